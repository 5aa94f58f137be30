import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  actGrants,
  actRoleTemplate,
  createClouds,
  quickCreateUrl,
  readGrants,
  readRoleTemplate,
  type Template,
} from '../access.ts'
import { type FakeAws, fakeAws } from './testing.ts'

interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
  Condition?: Record<string, Record<string, unknown>>
}

interface Policy {
  PolicyName: string
  PolicyDocument: { Statement: Statement[] }
}

/** The calls in the code of some files. */
function callsIn(isWanted: (file: string) => boolean) {
  const all = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((file) => !/test(ing)?\.ts$/.test(file))
  const code = all.filter(isWanted).map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8'))
  const calls = /new (?:(?:\w+\.)?sdk\.)?(\w+)Command\(|\bpaginate(\w+)\(|'AWS\w+\.(\w+)'/g
  return [...code.join('\n').matchAll(calls)].map(([, command, paginated, target]) => command ?? paginated ?? target)
}

/** The policies of a template's role, including conditional ones. */
function policiesOf(template: Template): Policy[] {
  const policies = template.Resources.Role.Properties['Policies'] as (
    | Policy
    | { 'Fn::If': [string, Policy, unknown] }
  )[]
  return policies.map((policy) => ('Fn::If' in policy ? policy['Fn::If'][1] : policy))
}

const statementsOf = (template: Template) =>
  policiesOf(template).flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
const actionsOf = (template: Template) => statementsOf(template).flatMap(({ Action }) => Action)

/**
 * Calls that every identity may make, or that our own role must be allowed to make. The customer need not grant them.
 */
const notTheirs = ['GetCallerIdentity', 'AssumeRole']

describe('the read role', () => {
  test('grants exactly the permissions of the table', () => {
    expect(actionsOf(readRoleTemplate()).toSorted()).toEqual(readGrants.map(({ permission }) => permission).toSorted())
  })

  test('grants exactly the calls that our code can make', () => {
    const made = callsIn((file) => !file.startsWith('act/'))
    const granted = new Set([...readGrants.map(({ call }) => call), ...notTheirs])
    expect([...new Set(made)].toSorted()).toEqual([...granted].toSorted())
  })

  test.each(['works', 'denied', 'absent'] as const)(
    'grants every call that a verification sends (simulator: %s)',
    async (simulator) => {
      const fake: FakeAws = {
        account: '222222222222',
        externalId: 'co-3f6d1b0c9a5e4c27',
        simulator,
        exportsTo: ['a'.repeat(9)],
        organization: { payer: '222222222222', name: 'A' },
      }
      const aws = await fakeAws(fake)
      await createClouds({
        endpoints: { aws: aws.url },
        awsCredentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      }).aws.verify({
        cloud: 'aws',
        roleArn: 'arn:aws:iam::222222222222:role/R',
        externalId: fake.externalId,
      })
      await aws.close()
      const granted = new Set(readGrants.map(({ permission, call }) => `${permission.split(':')[0]}:${call}`))
      const sent = new Set(
        aws.calls
          .map(({ call }) => call.replace('monitoring:', 'cloudwatch:'))
          .filter((call) => !call.startsWith('sts:')),
      )
      expect([...sent].filter((call) => !granted.has(call))).toEqual([])
      expect(sent.size).toBeGreaterThan(5)
    },
  )

  test('names each permission like its call, unless the table says otherwise', () => {
    const others = readGrants
      .filter(({ permission, call }) => permission.split(':')[1] !== call)
      .map(({ permission }) => permission)
    expect(others).toEqual(['s3:ListBucket', 's3:ListAllMyBuckets', 's3:GetLifecycleConfiguration'])
  })

  test('can only read', () => {
    for (const action of actionsOf(readRoleTemplate()))
      expect(action).toMatch(/^[\w-]+:(Get|List|Describe|SimulatePrincipalPolicy$)/)
  })

  test('restricts resources of every call that has resources', () => {
    const everywhere = statementsOf(readRoleTemplate()).filter(({ Resource }) => Resource === '*')
    expect(everywhere.flatMap(({ Action }) => Action)).toEqual(
      readGrants.filter(({ on }) => on === 'any').map(({ permission }) => permission),
    )
  })
})

describe('the act role', () => {
  test('grants exactly the permissions of the table, without wildcards', () => {
    expect(actionsOf(actRoleTemplate()).toSorted()).toEqual(actGrants.map(({ permission }) => permission).toSorted())
    for (const action of actionsOf(actRoleTemplate())) expect(action).toMatch(/^[a-z\d]+:[A-Za-z\d]+$/)
  })

  test('grants the calls that our code makes to act', () => {
    const granted = new Set(actGrants.flatMap(({ permission, calls }) => calls ?? permission.split(':')[1]))
    const made = callsIn((file) => file.startsWith('act/'))
    expect(made.length).toBeGreaterThan(20)
    expect(made.filter((call) => !granted.has(call))).toEqual([])
  })

  test('changes no protected resources, and restricts the kinds of resources', () => {
    const isHarmless = (action: string) => /^(tag:|\w+:(Describe|Get|List))/.test(action)
    const changes = statementsOf(actRoleTemplate()).filter(({ Action }) => ![Action].flat().every(isHarmless))
    expect(changes.length).toBeGreaterThan(10)
    for (const { Condition, Resource } of changes) {
      expect(Condition).toMatchObject({ StringNotEquals: { 'aws:ResourceTag/cloudoptima:protected': 'true' } })
      expect(Resource).not.toContain('*')
    }
  })

  test('changes no attribute of instances except the type, and no tag that protects a resource', () => {
    const conditions = (action: string) =>
      statementsOf(actRoleTemplate())
        .filter((statement) => statement.Action.includes(action))
        .map(({ Condition }) => Condition)
    expect(conditions('ec2:ModifyInstanceAttribute')).toEqual([
      expect.objectContaining({ StringEquals: { 'ec2:Attribute': 'InstanceType' } }),
    ])
    expect(conditions('ec2:CreateTags')).toEqual([
      expect.objectContaining({
        StringEquals: { 'ec2:CreateAction': ['CreateSnapshot', 'CreateVolume', 'AllocateAddress', 'CreateNatGateway'] },
      }),
      expect.objectContaining({ 'ForAllValues:StringNotEquals': { 'aws:TagKeys': 'cloudoptima:protected' } }),
    ])
  })
})

describe.each([
  ['read', readRoleTemplate()],
  ['act', actRoleTemplate()],
])('the template of the %s role', (_, template) => {
  test('requires the external id', () => {
    const { Statement } = template.Resources.Role.Properties.AssumeRolePolicyDocument
    expect(Statement).toHaveLength(1)
    expect(Statement[0]).toMatchObject({
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
    })
  })

  test('keeps the limits of AWS', () => {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html and CloudFormation's for a template in
    // a bucket
    const policies = JSON.stringify(policiesOf(template).map(({ PolicyDocument }) => PolicyDocument)).replaceAll(
      /\s/g,
      '',
    )
    expect(policies.length).toBeLessThan(10_240)
    expect(JSON.stringify(template).length).toBeLessThan(51_200)
  })

  test('has defaults that match its own patterns', () => {
    const refused = Object.values(template.Parameters).filter(
      ({ Default, AllowedPattern }) => Default !== undefined && !new RegExp(`^(${AllowedPattern})$`).test(Default),
    )
    expect(refused).toEqual([])
  })

  test('uses each of its parameters', () => {
    const text = JSON.stringify([template.Conditions, template.Resources])
    for (const name of Object.keys(template.Parameters)) expect(text).toContain(name)
  })
})

describe('the link to CloudFormation', () => {
  const given = {
    templateUrl: 'https://b.s3.eu-central-1.amazonaws.com/read.json',
    externalId: 'co/1+2&x=y z',
    principal: 'arn:aws:iam::123456789012:root',
  }

  test('fills in the stack for any values', () => {
    const url = new URL(quickCreateUrl('eu-central-1', given))
    expect(url.origin + url.pathname).toBe('https://eu-central-1.console.aws.amazon.com/cloudformation/home')
    const [route, query] = url.hash.split('?')
    expect(route).toBe('#/stacks/quickcreate')
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({
      templateURL: given.templateUrl,
      stackName: 'CloudOptimaRead',
      param_ExternalId: given.externalId,
      param_PrincipalArn: given.principal,
    })
    expect(query).not.toContain('+')
  })

  test('always leads to the AWS console', () => {
    expect(() => quickCreateUrl('evil.example/?', given)).toThrow('is no AWS region')
  })
})
