import { problem } from '@cloudoptima/api'
import type { CfnWebACL } from 'aws-cdk-lib/aws-wafv2'
import { headersForBrowsers } from './browsers.ts'

type Rule = Omit<CfnWebACL.RuleProperty, 'priority'>

const windowSeconds = 300

const { requestId: _, ...rate } = problem(
  'rate_limited',
  `This address sends too many requests. Send the next one in ${windowSeconds} seconds.`,
  '',
)
/** WAF knows no id of a request. */
export const rateProblem = rate

/** In the order of their evaluation. */
export function rules(): CfnWebACL.RuleProperty[] {
  const signIn: CfnWebACL.StatementProperty = {
    byteMatchStatement: {
      fieldToMatch: { uriPath: {} },
      // Under a custom domain the path has no stage before it.
      positionalConstraint: 'CONTAINS',
      searchString: '/v1/auth/',
      textTransformations: ['URL_DECODE', 'NORMALIZE_PATH', 'LOWERCASE'].map((type, priority) => ({ type, priority })),
    },
  }
  // Only counted: bodies of up to 1 MB, long queries, and machines without a User-Agent.
  const counted = ['SizeRestrictions_BODY', 'SizeRestrictions_QUERYSTRING', 'NoUserAgent_HEADER']
  return [
    rateRule('SignIn', 200, signIn),
    rateRule('Address', 2000),
    managed('AWSManagedRulesCommonRuleSet', counted),
    managed('AWSManagedRulesKnownBadInputsRuleSet', []),
  ].map((rule, priority) => ({ ...rule, priority }))
}

/** Without samples, which would show tokens in the console. */
export function metrics(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false, metricName }
}

function rateRule(name: string, limit: number, scopeDownStatement?: CfnWebACL.StatementProperty): Rule {
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
    visibilityConfig: metrics(name),
  }
}

function managed(name: string, counted: string[]): Rule {
  const ruleActionOverrides = counted.map((rule) => ({ name: rule, actionToUse: { count: {} } }))
  return {
    name,
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name, ruleActionOverrides } },
    overrideAction: { none: {} },
    visibilityConfig: metrics(name),
  }
}
