import { securityHeaders } from '@cloudoptima/api'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Deployment } from './deployment.ts'
import { synthesise } from './synthesise.ts'

let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  production = await synthesise('production', {
    told: { CORS_ORIGINS: 'https://app.example.com, https://example.org' },
  })
  rehearsal = await synthesise('rehearsal')
})

interface Rule {
  Name: string
  Action: { Block: { CustomResponse: { ResponseHeaders: { Name: string; Value: string }[] } } }
}

const acl = () => production.only('AWS::WAFv2::WebACL')
const rule = (name: string) => (acl()['Rules'] as Rule[]).find(({ Name }) => Name === name)

describe('firewall', () => {
  test('what AWS answers by itself tells browsers the same as the application does, and a page of another origin may read it', () => {
    const always = Object.entries(securityHeaders({ publicUrl: 'https://api.example.com' }))
    const asGateway = (headers: [string, string][]) =>
      Object.fromEntries(headers.map(([name, value]) => [`gatewayresponse.header.${name}`, `'${value}'`]))
    const asFirewall = (headers: [string, string][]) => headers.map(([Name, Value]) => ({ Name, Value }))
    const readable: [string, string] = ['Access-Control-Allow-Origin', '*']
    for (const [, { Properties }] of production.resources('AWS::ApiGateway::GatewayResponse'))
      expect(Properties['ResponseParameters']).toMatchObject(asGateway([...always, readable]))
    for (const name of ['Address', 'SignIn']) {
      const { ResponseHeaders } = (rule(name) as Rule).Action.Block.CustomResponse
      expect(ResponseHeaders).toEqual(expect.arrayContaining(asFirewall([...always, readable])))
      // WAF takes no more.
      expect(ResponseHeaders.length).toBeLessThanOrEqual(10)
    }
    const closed = JSON.stringify([
      rehearsal.resources('AWS::ApiGateway::GatewayResponse'),
      rehearsal.only('AWS::WAFv2::WebACL'),
    ])
    expect(closed).toContain('nosniff')
    expect(closed).not.toContain('Access-Control')
  })

  test('it stands before the one stage of the API; in the rehearsal, whose emulator cannot, it is deployed all the same', () => {
    expect(JSON.stringify(production.only('AWS::WAFv2::WebACLAssociation')['ResourceArn'])).toMatch(
      /\/restapis\/.*\{"Ref":"Rest\w+"\}.*\/stages\/.*\{"Ref":"RestDeploymentStageapi\w+"\}/,
    )
    expect(production.resources('AWS::ApiGateway::Stage')).toHaveLength(1)
    expect([
      rehearsal.resources('AWS::WAFv2::WebACL').length,
      rehearsal.resources('AWS::WAFv2::WebACLAssociation').length,
    ]).toEqual([1, 0])
  })

  test('an address may ask 2,000 times in 5 minutes, 200 times of those to sign in, and then is told to wait', () => {
    const customResponse = {
      ResponseCode: 429,
      ResponseHeaders: expect.arrayContaining([{ Name: 'Retry-After', Value: '300' }]),
    }
    const block = { Block: { CustomResponse: customResponse } }
    expect(rule('Address')).toMatchObject({
      Action: block,
      Statement: { RateBasedStatement: { AggregateKeyType: 'IP', Limit: 2000, EvaluationWindowSec: 300 } },
    })
    expect(rule('SignIn')).toMatchObject({
      Priority: 0,
      Action: block,
      Statement: {
        RateBasedStatement: {
          Limit: 200,
          ScopeDownStatement: { ByteMatchStatement: { SearchString: '/v1/auth/', PositionalConstraint: 'CONTAINS' } },
        },
      },
    })
  })

  test('rules of AWS refuse attacks, but neither large bodies nor long queries', () => {
    const counted = ['SizeRestrictions_BODY', 'SizeRestrictions_QUERYSTRING', 'NoUserAgent_HEADER']
    expect(rule('AWSManagedRulesCommonRuleSet')).toMatchObject({
      OverrideAction: { None: {} },
      Statement: {
        ManagedRuleGroupStatement: {
          RuleActionOverrides: counted.map((Name) => ({ Name, ActionToUse: { Count: {} } })),
        },
      },
    })
    expect(rule('AWSManagedRulesKnownBadInputsRuleSet')).toMatchObject({ OverrideAction: { None: {} } })
  })

  test('its log and its samples show no token', () => {
    expect(production.only('AWS::WAFv2::LoggingConfiguration')['RedactedFields']).toEqual([
      { SingleHeader: { Name: 'authorization' } },
      { SingleHeader: { Name: 'cookie' } },
      { QueryString: {} },
    ])
    expect(JSON.stringify(acl())).not.toContain('"SampledRequestsEnabled":true')
  })
})
