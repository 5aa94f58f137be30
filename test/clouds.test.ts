import {
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Access, Provider, Taggable } from '@cloudoptima/core'
import {
  type AwsKeys,
  actRoleTemplate,
  createClouds,
  readGrants,
  readRoleTemplate,
} from '@cloudoptima/providers/access'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPython, pythonTool } from '../scripts/python.ts'
import { type Emulator, startEmulator } from '../scripts/rehearsal/emulator.ts'
import {
  allow,
  asRoot,
  createStack,
  createUser,
  type EmulatedAccount,
  trust,
  withoutActions,
} from './clouds/customer.ts'
import { deliverReport } from './clouds/report.ts'

// Verification of a customer's AWS account in MiniStack, which evaluates trust policies and permissions like AWS.

const root = dirname(import.meta.dirname)
const requirements = {
  Linux: process.platform === 'linux',
  'python3 with venv': hasPython(),
  openssl: spawnSync('openssl', ['version']).status === 0,
}
const unmet = Object.entries(requirements).flatMap(([name, isMet]) => (isMet ? [] : [name]))
const canRun = unmet.length === 0 || Boolean(process.env['CI'])
if (!canRun)
  process.stderr.write(
    `skipped: verification of AWS accounts against an emulator, because this machine lacks ${unmet.join(' and ')}\n`,
  )

const externalId = 'co-3f6d1b0c9a5e4c27'
const role = 'CloudOptimaRead'
const productPrincipal = 'arn:aws:iam::111111111111:root'

let folder: string
let emulator: Emulator | undefined
let customer: EmulatedAccount
let productKeys: AwsKeys
let aws: Provider
let roleArn: string

async function prepare(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-clouds-'))
  const sdk = join(root, 'packages', 'runtime', 'node_modules')
  emulator = await startEmulator({
    bin: pythonTool(root, 'ministack', '1.5.33'),
    folder,
    nodeBin: dirname(process.execPath),
    sdk,
  })
  setDefaultCACertificates([...getCACertificates('default'), await readFile(emulator.ca, 'utf8')])
  const endpoint = `https://127.0.0.1:${emulator.port}`
  customer = { endpoint, account: '222222222222' }
  productKeys = await createUser({ endpoint, account: '111111111111' }, 'api')
  aws = createClouds({ endpoints: { aws: endpoint }, awsCredentials: productKeys }).aws
  roleArn = await createStack(customer, 'CloudOptima', readRoleTemplate(), {
    PrincipalArn: productPrincipal,
    ExternalId: externalId,
    ExportBucket: 'acme-costs',
  })
}

const verify = async () => await aws.verify({ cloud: 'aws', roleArn, externalId })
const missingPermissions = async () => (await verify()).missing.map(({ permission }) => permission)

describe.skipIf(!canRun)('an AWS account', () => {
  beforeAll(prepare, 180_000)
  afterAll(async () => {
    await emulator?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('is verified by API calls if IAM refuses the simulation, and each missing permission is listed', async () => {
    // MiniStack ignores resources of SimulatePrincipalPolicy, so it refuses a role that may simulate only itself.
    expect(await missingPermissions()).toEqual(['iam:SimulatePrincipalPolicy'])
    const denied = [
      'ec2:DescribeVolumes',
      'ec2:DescribeAddresses',
      'cloudwatch:GetMetricData',
      'cur:DescribeReportDefinitions',
      'organizations:ListAccounts',
      'iam:ListAccountAliases',
    ]
    expect((await withoutActions(customer, role, denied, missingPermissions)).toSorted()).toEqual(
      ['iam:SimulatePrincipalPolicy', ...denied].toSorted(),
    )
    await allow(customer, role, 'iam:SimulatePrincipalPolicy')
  })

  it('with the role of the template passes the verification', async () => {
    expect(await verify()).toMatchObject({ ok: true, problems: [], missing: [] })
  })

  it.each(readGrants.filter(({ on }) => on === 'any' || on === 'export').map(({ permission }) => permission))(
    'that denies %s to the role lacks exactly this permission',
    async (permission) => {
      expect(await withoutActions(customer, role, [permission], missingPermissions)).toEqual([permission])
    },
  )

  it('must allow reads of the bucket of its report, which the template grants', async () => {
    await new S3Client({ ...asRoot(customer), forcePathStyle: true }).send(
      new CreateBucketCommand({ Bucket: 'acme-costs' }),
    )
    await deliverReport(customer, 'acme-costs')
    expect(await verify()).toMatchObject({ ok: true })
    expect(await withoutActions(customer, role, ['s3:GetObject'], missingPermissions)).toEqual(['s3:GetObject'])
    expect(await withoutActions(customer, role, ['s3:ListBucket', 's3:GetObject'], missingPermissions)).toEqual([
      's3:ListBucket',
      's3:GetObject',
    ])
  })

  it.each([
    ['no external id', {}, 'external_id_not_required'],
    ['any external id', { StringLike: { 'sts:ExternalId': '*' } }, 'external_id_not_required'],
    ['a pattern of external ids', { StringLike: { 'sts:ExternalId': 'co-*' } }, 'external_id_not_required'],
    ['another external id', { StringEquals: { 'sts:ExternalId': 'co-00000000000000' } }, 'credentials_refused'],
  ])('whose role requires %s is refused', async (_, condition, code) => {
    await trust(customer, role, productPrincipal, condition)
    expect(await verify()).toMatchObject({ ok: false, problems: [{ code }] })
  })

  it('whose role trusts another account, or does not exist, is refused', async () => {
    await trust(customer, role, 'arn:aws:iam::333333333333:root', { StringEquals: { 'sts:ExternalId': externalId } })
    expect(await verify()).toMatchObject({ ok: false, problems: [{ code: 'credentials_refused' }] })
    expect(await aws.verify({ cloud: 'aws', roleArn: `${roleArn}2`, externalId })).toMatchObject({
      ok: false,
      problems: [{ code: 'credentials_refused' }],
    })
  })

  it('with the role for actions allows the listed actions only, and only with the external id', async () => {
    const actRoleArn = await createStack(customer, 'CloudOptimaAct', actRoleTemplate(), {
      PrincipalArn: productPrincipal,
      ExternalId: externalId,
    })
    const sts = new STSClient({ ...asRoot(customer), credentials: productKeys })
    const request = { RoleArn: actRoleArn, RoleSessionName: 'remediation' }
    await expect(sts.send(new AssumeRoleCommand(request))).rejects.toThrow('not authorized')
    const { Credentials: keys } = await sts.send(new AssumeRoleCommand({ ...request, ExternalId: externalId }))
    const credentials = {
      accessKeyId: keys?.AccessKeyId ?? '',
      secretAccessKey: keys?.SecretAccessKey ?? '',
      sessionToken: keys?.SessionToken ?? '',
    }
    const actor = new EC2Client({ ...asRoot(customer), credentials })
    const { Instances = [] } = await new EC2Client(asRoot(customer)).send(
      new RunInstancesCommand({ ImageId: 'ami-1', InstanceType: 't3.large', MinCount: 1, MaxCount: 1 }),
    )
    const InstanceId = Instances[0]?.InstanceId ?? ''
    // MiniStack's policies ignore tags; a test of the template covers the protection by tags.
    expect((await actor.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }))).StoppingInstances).toHaveLength(
      1,
    )
    await expect(actor.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }))).rejects.toThrow(
      'not authorized',
    )
    await expect(
      actor.send(new ModifyInstanceAttributeCommand({ InstanceId, UserData: { Value: new Uint8Array() } })),
    ).rejects.toThrow('not authorized')
  })

  it('is tagged with the role for actions, and not with the one that reads', async () => {
    // MiniStack's tagging API knows no instances.
    const id = 'acme-logs'
    await trust(customer, role, productPrincipal, { StringEquals: { 'sts:ExternalId': externalId } })
    await new S3Client({ ...asRoot(customer), forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: id }))
    const named: Taggable = { id, kind: 'bucket', region: 'us-east-1', aliases: [`arn:aws:s3:::${id}`] }
    const by = (name: string): Access => ({
      credentials: { cloud: 'aws', roleArn: `arn:aws:iam::${customer.account}:role/${name}`, externalId },
      meter: { take: async () => {} },
      report: () => undefined,
      signal: AbortSignal.timeout(30_000),
      now: () => new Date(),
    })
    const change = { resource: named, before: {}, set: { Team: 'shop' }, remove: {} }
    expect(await aws.retag(by('CloudOptimaRead'), [change])).toEqual([
      { id, refusal: expect.stringContaining('lacks the permission tag:TagResources') },
    ])
    expect(await aws.retag(by('CloudOptimaAct'), [change])).toEqual([{ id }])
    expect(await aws.tags(by('CloudOptimaAct'), [named])).toEqual([{ id, tags: { Team: 'shop' } }])
    expect(await aws.retag(by('CloudOptimaAct'), [{ ...change, set: {}, remove: { Team: 'shop' } }])).toEqual([{ id }])
    expect(await aws.tags(by('CloudOptimaAct'), [named])).toEqual([{ id, tags: {} }])
  })
})
