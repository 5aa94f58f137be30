import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import type { Stack } from 'sst/constructs'
import { accept, nameOf, arnOf, isRehearsal, logs } from '../stage.ts'
import { alarm } from '../alarms.ts'
import { metrics, rateProblem, rules } from './firewall-rules.ts'

export function firewall(stack: Stack, stage: string, rest: RestApi): void {
  const name = nameOf(stage)
  const acl = new CfnWebACL(stack, 'Firewall', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: metrics(name),
    customResponseBodies: { rate: { contentType: 'APPLICATION_JSON', content: JSON.stringify(rateProblem) } },
    rules: rules(),
  })
  alarm(stack, 'FirewallBlocks', {
    metric: new Metric({
      namespace: 'AWS/WAFV2',
      metricName: 'BlockedRequests',
      dimensionsMap: { WebACL: name, Region: stack.region, Rule: 'ALL' },
    }),
    from: 1000,
    because:
      'The firewall blocked 1,000 or more requests within 5 minutes: see its log group for the addresses and the ' +
      'rules.',
  })
  if (isRehearsal(stage)) {
    const reason = 'The emulator knows neither the association of a web ACL nor its logs; other stages have both.'
    accept(rest.deploymentStage, 'APIG3', reason)
    return
  }
  new CfnWebACLAssociation(stack, 'FirewallAssociation', {
    webAclArn: acl.attrArn,
    resourceArn: rest.deploymentStage.stageArn,
  })
  logBlocks(stack, stage, acl)
}

/** Without the fields that contain tokens. */
function logBlocks(stack: Stack, stage: string, acl: CfnWebACL) {
  // WAF requires this prefix.
  const group = new LogGroup(stack, 'FirewallLogs', {
    logGroupName: `aws-waf-logs-${nameOf(stage)}`,
    ...logs(stage),
  })
  new CfnLoggingConfiguration(stack, 'FirewallLogging', {
    resourceArn: acl.attrArn,
    logDestinationConfigs: [arnOf(stack, group)],
    redactedFields: [
      { singleHeader: { Name: 'authorization' } },
      { singleHeader: { Name: 'cookie' } },
      { queryString: {} },
    ],
    loggingFilter: {
      DefaultBehavior: 'DROP',
      Filters: [
        {
          Behavior: 'KEEP',
          Requirement: 'MEETS_ANY',
          Conditions: ['BLOCK', 'COUNT'].map((Action) => ({ ActionCondition: { Action } })),
        },
      ],
    },
  })
}
