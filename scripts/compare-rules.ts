// Compares our rules with the policies of Cloud Custodian (c7n from PyPI) on one seeded account of moto:
// `npm run compare:rules`. docs/recommendations.md explains the differences.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createClouds } from '@cloudoptima/providers/access'
import { allRules } from '../packages/core/src/rules/analyzers.ts'
import { judge } from '../packages/core/src/rules/engine.ts'
import { aged } from '../test/emulators/aged.ts'
import { collectionOf } from '../test/emulators/collection.ts'
import { frontOf } from '../test/emulators/front.ts'
import { servers, startServer } from './emulators/servers.ts'
import { pythonTool } from './python.ts'

const root = dirname(import.meta.dirname)
const [accountId, region] = ['123456789012', 'us-east-1']
const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }
/** Rules that have a policy of the same name, and the field by which c7n names a resource. */
const policies = {
  'aws-volume-unattached': 'VolumeId',
  'aws-volume-gp2': 'VolumeId',
  'aws-volume-io1': 'VolumeId',
  'instance-stopped-long': 'InstanceId',
  'aws-previous-generation': 'InstanceId',
  'required-tag-missing': 'InstanceId',
  'aws-address-unused': 'AllocationId',
  'aws-snapshot-old': 'SnapshotId',
  'aws-image-unused': 'ImageId',
  'aws-log-group-no-retention': 'logGroupName',
  'aws-bucket-no-lifecycle': 'Name',
}
const regions = `<DescribeRegionsResponse><regionInfo><item><regionName>${region}</regionName></item></regionInfo></DescribeRegionsResponse>`

const bin = pythonTool(root, 'custodian', '0.9.53', { requirements: join(root, 'scripts/score/requirements-c7n.txt') })
const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-rules-'))
const moto = await startServer(servers.moto, servers.moto.install(root), folder)
const older = aged(200)
const front = await frontOf(moto.url, (asked) => (asked.operation === 'DescribeRegions' ? regions : older(asked)))

/** Runs a command of the virtual environment against the account, without blocking the front. */
async function run(url: string, command: string, ...args: string[]): Promise<void> {
  const env = { PATH: process.env['PATH'], AWS_ENDPOINT_URL: url, AWS_DEFAULT_REGION: region, ...keys }
  await promisify(execFile)(join(bin, command), args, { cwd: folder, env, maxBuffer: 2 ** 26 })
}

async function theirs(policy: string, field: string): Promise<string[]> {
  const found = JSON.parse(await readFile(join(folder, 'out', policy, 'resources.json'), 'utf8')) as object[]
  return found.map((resource) => String(Object.entries(resource).find(([name]) => name === field)?.[1]))
}

/** The findings of each rule, with ids as c7n names them: without the ARN. */
async function ours(): Promise<Map<string, string[]>> {
  const { aws } = createClouds({
    endpoints: { aws: front.url },
    awsCredentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  const roleArn = `arn:aws:iam::${accountId}:role/CloudOptimaRead`
  const { access } = collectionOf({ cloud: 'aws', roleArn, externalId: 'compare' })
  const parts = await Array.fromAsync(aws.inventory(access))
  const subjects = parts.flatMap(({ resources }) =>
    resources.map((one) => ({ ...one, cloud: 'aws' as const, accountId })),
  )
  const findings = judge(allRules, subjects, { now: new Date(), requiredTags: [{ key: 'Team' }] })
  const found = findings.filter(
    ({ state, subject, rule }) => state === 'found' && (rule !== 'required-tag-missing' || subject.kind === 'instance'),
  )
  const byRule = Map.groupBy(found, ({ rule }) => rule)
  return new Map(
    [...byRule].map(([rule, all]) => [
      rule,
      all.map(({ subject: { id } }) => id.replace(/^arn:.*?:(?:log-group:|[\w-]+\/)/, '')),
    ]),
  )
}

try {
  await run(moto.url, 'python', join(root, 'scripts/score/custodian-seed.py'))
  await run(
    front.url,
    'custodian',
    'run',
    '--cache-period',
    '0',
    '-s',
    'out',
    '--region',
    region,
    join(root, 'scripts/score/custodian.yml'),
  )
  const found = await ours()
  console.log('| rule | both | only Cloud Custodian | only CloudOptima |\n|---|---|---|---|')
  for (const [rule, field] of Object.entries(policies)) {
    const [own, others] = [new Set(found.get(rule)), new Set(await theirs(rule, field))]
    const columns = [
      own.intersection(others).size,
      [...others.difference(own)].join(' '),
      [...own.difference(others)].join(' '),
    ]
    console.log(`| ${rule} | ${columns.join(' | ')} |`)
  }
} finally {
  await front.close()
  await moto.stop()
  await rm(folder, { recursive: true, force: true })
}
