import { ArnFormat } from 'aws-cdk-lib'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import { NagSuppressions } from 'cdk-nag'
import type { Stack } from 'sst/constructs'
import { alarm } from './alarms.ts'
import { headersForBrowsers } from './browsers.ts'
import { isRehearsal, logs } from './stage.ts'

const windowSeconds = 300

/** The web ACL before the API: how much one address may ask, and what nobody may. */
export function firewall(stack: Stack, stage: string, rest: RestApi): void {
  const name = `cloudoptima-${stage}`
  const acl = new CfnWebACL(stack, 'Firewall', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: seen(name),
    customResponseBodies: {
      rate: {
        contentType: 'APPLICATION_JSON',
        content: JSON.stringify({
          type: '/v1/docs/errors#rate_limited',
          title: 'Too many requests',
          status: 429,
          detail: `Your address asks too often. Ask again in ${windowSeconds} seconds.`,
          code: 'rate_limited',
        }),
      },
    },
    rules: [
      rate('SignIn', 200, {
        byteMatchStatement: {
          fieldToMatch: { uriPath: {} },
          // Contains: the stage stands before it, or nothing, under a domain of the customer's.
          positionalConstraint: 'CONTAINS',
          searchString: '/v1/auth/',
          textTransformations: ['URL_DECODE', 'NORMALIZE_PATH', 'LOWERCASE'].map((type, priority) => ({
            type,
            priority,
          })),
        },
      }),
      rate('Address', 2000),
      // Counted, not refused: bodies of up to 1 MB, long queries (filters repeat), and machines that do not name themselves.
      managed('AWSManagedRulesCommonRuleSet', [
        'SizeRestrictions_BODY',
        'SizeRestrictions_QUERYSTRING',
        'NoUserAgent_HEADER',
      ]),
      managed('AWSManagedRulesKnownBadInputsRuleSet', []),
    ].map((rule, priority) => ({ ...rule, priority })),
  })
  alarm(stack, 'FirewallBlocks', {
    metric: new Metric({
      namespace: 'AWS/WAFV2',
      metricName: 'BlockedRequests',
      dimensionsMap: { WebACL: name, Region: stack.region, Rule: 'ALL' },
    }),
    from: 1000,
    because:
      'The firewall refused 1,000 or more requests within 5 minutes: see its log group for the addresses and the rules.',
  })
  if (isRehearsal(stage)) {
    const reason = 'The emulator knows neither the association of a web ACL nor its logs; other stages have both.'
    NagSuppressions.addResourceSuppressions(rest.deploymentStage, [{ id: 'AwsSolutions-APIG3', reason }])
    return
  }
  new CfnWebACLAssociation(stack, 'FirewallAssociation', {
    webAclArn: acl.attrArn,
    resourceArn: rest.deploymentStage.stageArn,
  })
  logRefusals(stack, stage, acl)
}

/** WAF logs no bodies. Of the rest it keeps to itself what holds tokens, and logs only what a rule refused or counted. */
function logRefusals(stack: Stack, stage: string, acl: CfnWebACL): void {
  // WAF takes no other beginning, and an ARN without the asterisk that CDK puts at its end.
  const group = new LogGroup(stack, 'FirewallLogs', {
    logGroupName: `aws-waf-logs-cloudoptima-${stage}`,
    ...logs(stage),
  })
  const arn = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: group.logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })
  new CfnLoggingConfiguration(stack, 'FirewallLogging', {
    resourceArn: acl.attrArn,
    logDestinationConfigs: [arn],
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

type Rule = Omit<CfnWebACL.RuleProperty, 'priority'>

function rate(name: string, limit: number, scopeDownStatement?: CfnWebACL.StatementProperty): Rule {
  const headers = { 'Retry-After': String(windowSeconds), ...headersForBrowsers() }
  const responseHeaders = Object.entries(headers).map(([name, value]) => ({ name, value }))
  const customResponse = { responseCode: 429, customResponseBodyKey: 'rate', responseHeaders }
  const rateBasedStatement = {
    aggregateKeyType: 'IP',
    evaluationWindowSec: windowSeconds,
    limit,
    ...(scopeDownStatement && { scopeDownStatement }),
  }
  return {
    name,
    statement: { rateBasedStatement },
    action: { block: { customResponse } },
    visibilityConfig: seen(name),
  }
}

function managed(name: string, counted: string[]): Rule {
  const ruleActionOverrides = counted.map((rule) => ({ name: rule, actionToUse: { count: {} } }))
  return {
    name,
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name, ruleActionOverrides } },
    overrideAction: { none: {} },
    visibilityConfig: seen(name),
  }
}

/** In metrics, but not as samples: those show headers, and so tokens, to whoever may see the console. */
function seen(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false, metricName }
}
