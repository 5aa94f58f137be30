import {
  EC2Client,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { CloudAccess } from '@cloudoptima/core'
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
import { allow, asRoot, createStack, makeUser, type Reach, trust, without } from './clouds/customer.ts'
import { deliverReport } from './clouds/report.ts'

// A customer's AWS account in MiniStack, which judges external ids, trust policies and permissions as AWS does.

const root = dirname(import.meta.dirname)
const needed = {
  Linux: process.platform === 'linux',
  'python3 with venv': hasPython(),
  openssl: spawnSync('openssl', ['version']).status === 0,
}
const lacking = Object.entries(needed).flatMap(([name, isThere]) => (isThere ? [] : [name]))
const canRun = lacking.length === 0 || Boolean(process.env['CI'])
if (!canRun)
  process.stderr.write(
    `skipped: the verification of AWS accounts against an emulator, this machine lacks ${lacking.join(' and ')}\n`,
  )

const externalId = 'co-3f6d1b0c9a5e4c27'
const role = 'CloudOptimaRead'
const us = 'arn:aws:iam::111111111111:root'

let folder: string
let emulator: Emulator | undefined
let theirs: Reach
let own: AwsKeys
let aws: CloudAccess
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
  theirs = { endpoint, account: '222222222222' }
  own = await makeUser({ endpoint, account: '111111111111' }, 'api')
  aws = createClouds({ endpoints: { aws: endpoint }, awsCredentials: own }).aws
  roleArn = await createStack(theirs, 'CloudOptima', readRoleTemplate(), {
    PrincipalArn: us,
    ExternalId: externalId,
    ExportBucket: 'acme-costs',
  })
}

const verify = async () => await aws.verify({ cloud: 'aws', roleArn, externalId })
const lackingNow = async () => (await verify()).missing.map(({ permission }) => permission)

describe.skipIf(!canRun)('an AWS account', () => {
  beforeAll(prepare, 180_000)
  afterAll(async () => {
    await emulator?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('where IAM does not simulate is judged by calls: what our template grants is there, what is taken away is named', async () => {
    // MiniStack knows no resource of SimulatePrincipalPolicy, and so refuses it to a role that may simulate itself only.
    expect(await lackingNow()).toEqual(['iam:SimulatePrincipalPolicy'])
    const taken = [
      'ec2:DescribeVolumes',
      'ec2:DescribeAddresses',
      'cloudwatch:GetMetricData',
      'cur:DescribeReportDefinitions',
      'organizations:ListAccounts',
      'iam:ListAccountAliases',
    ]
    expect((await without(theirs, role, taken, lackingNow)).toSorted()).toEqual(
      ['iam:SimulatePrincipalPolicy', ...taken].toSorted(),
    )
    await allow(theirs, role, 'iam:SimulatePrincipalPolicy')
  })

  it('with the role of our template is taken', async () => {
    expect(await verify()).toMatchObject({ ok: true, problems: [], missing: [] })
  })

  it.each(readGrants.filter(({ on }) => on === 'any' || on === 'export').map(({ permission }) => permission))(
    'that takes %s away from the role lacks just that',
    async (permission) => {
      expect(await without(theirs, role, [permission], lackingNow)).toEqual([permission])
    },
  )

  it('must let the bucket of its report be read, and the template names it', async () => {
    await new S3Client({ ...asRoot(theirs), forcePathStyle: true }).send(
      new CreateBucketCommand({ Bucket: 'acme-costs' }),
    )
    await deliverReport(theirs, 'acme-costs')
    expect(await verify()).toMatchObject({ ok: true })
    expect(await without(theirs, role, ['s3:GetObject'], lackingNow)).toEqual(['s3:GetObject'])
    expect(await without(theirs, role, ['s3:ListBucket', 's3:GetObject'], lackingNow)).toEqual([
      's3:ListBucket',
      's3:GetObject',
    ])
  })

  it.each([
    ['no external id', {}, 'external_id_not_required'],
    ['any external id', { StringLike: { 'sts:ExternalId': '*' } }, 'external_id_not_required'],
    ['a pattern of external ids', { StringLike: { 'sts:ExternalId': 'co-*' } }, 'external_id_not_required'],
    ['another external id', { StringEquals: { 'sts:ExternalId': 'co-00000000000000' } }, 'credentials_refused'],
  ])('whose role asks for %s is refused', async (_, condition, code) => {
    await trust(theirs, role, us, condition)
    expect(await verify()).toMatchObject({ ok: false, problems: [{ code }] })
  })

  it('whose role trusts somebody else, or is not there, is refused', async () => {
    await trust(theirs, role, 'arn:aws:iam::333333333333:root', { StringEquals: { 'sts:ExternalId': externalId } })
    expect(await verify()).toMatchObject({ ok: false, problems: [{ code: 'credentials_refused' }] })
    expect(await aws.verify({ cloud: 'aws', roleArn: `${roleArn}2`, externalId })).toMatchObject({
      ok: false,
      problems: [{ code: 'credentials_refused' }],
    })
  })

  it('with the role that acts lets us do what is listed, with the external id, and nothing else', async () => {
    const actRoleArn = await createStack(theirs, 'CloudOptimaAct', actRoleTemplate(), {
      PrincipalArn: us,
      ExternalId: externalId,
    })
    const sts = new STSClient({ ...asRoot(theirs), credentials: own })
    const asked = { RoleArn: actRoleArn, RoleSessionName: 'remediation' }
    await expect(sts.send(new AssumeRoleCommand(asked))).rejects.toThrow('not authorized')
    const { Credentials: keys } = await sts.send(new AssumeRoleCommand({ ...asked, ExternalId: externalId }))
    const credentials = {
      accessKeyId: keys?.AccessKeyId ?? '',
      secretAccessKey: keys?.SecretAccessKey ?? '',
      sessionToken: keys?.SessionToken ?? '',
    }
    const we = new EC2Client({ ...asRoot(theirs), credentials })
    const { Instances = [] } = await new EC2Client(asRoot(theirs)).send(
      new RunInstancesCommand({ ImageId: 'ami-1', InstanceType: 't3.large', MinCount: 1, MaxCount: 1 }),
    )
    const InstanceId = Instances[0]?.InstanceId ?? ''
    // MiniStack does not tell its policies the tags of instances: that protected ones are spared is a test of the template.
    expect((await we.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }))).StoppingInstances).toHaveLength(1)
    await expect(we.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }))).rejects.toThrow(
      'not authorized',
    )
    await expect(
      we.send(new ModifyInstanceAttributeCommand({ InstanceId, UserData: { Value: new Uint8Array() } })),
    ).rejects.toThrow('not authorized')
  })
})
