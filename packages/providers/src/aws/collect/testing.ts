import type { Access, Call, Problem } from '@cloudoptima/core'
import { S3Client } from '@aws-sdk/client-s3'
import { createClouds } from '../../access.ts'
import { listen, type Loopback, type ReceivedRequest, type Reply } from '../../testing/loopback.ts'
import { failure } from '../testing.ts'

// A fake AWS account: answers are objects as the SDK returns them. The SDK's own schemas put them into the wire format.

/** One request to the fake account. */
export interface Asked {
  /** `ec2:DescribeInstances`, with IAM's name of the service. */
  call: string
  /** JSON, or the parameters of the query protocol. */
  input: Record<string, unknown>
  region: string
  request: ReceivedRequest
}

/** The output of an operation, or a whole reply (`wire`). Undefined: an output without fields. */
type Answer = (asked: Asked) => object | undefined

/** A reply that is sent as it is. */
export const wire = (reply: Reply): object => ({ wire: reply })

/** A refusal in the protocol of the call. */
export function refusal({ call }: Asked, code: string, status: number, message?: string): object {
  const [service = ''] = call.split(':')
  const protocol = ['rds', 'elasticache', 'elasticloadbalancing'].includes(service) ? 'iam' : service
  return wire(failure(protocol, code, status, message))
}

type Schema = [9, string, string, { http?: [string, string, number] } | 0, unknown, unknown]
interface Codec {
  createSerializer(): { write(schema: unknown, value: unknown): void; flush(): string | Uint8Array }
}
interface Client {
  config: { protocol: unknown }
}
type Sdk = Record<string, new (input: object) => { schema?: Schema } & Client>

/** By the name of the service in signatures: IAM's name, its SDK and its client. */
const services: Record<string, [prefix: string, load: () => Promise<object>, client: string]> = {
  'bcm-data-exports': ['bcm-data-exports', () => import('@aws-sdk/client-bcm-data-exports'), 'BCMDataExportsClient'],
  ce: ['ce', () => import('@aws-sdk/client-cost-explorer'), 'CostExplorerClient'],
  dynamodb: ['dynamodb', () => import('@aws-sdk/client-dynamodb'), 'DynamoDBClient'],
  ec2: ['ec2', () => import('@aws-sdk/client-ec2'), 'EC2Client'],
  ecs: ['ecs', () => import('@aws-sdk/client-ecs'), 'ECSClient'],
  eks: ['eks', () => import('@aws-sdk/client-eks'), 'EKSClient'],
  elasticache: ['elasticache', () => import('@aws-sdk/client-elasticache'), 'ElastiCacheClient'],
  elasticloadbalancing: [
    'elasticloadbalancing',
    () => import('@aws-sdk/client-elastic-load-balancing-v2'),
    'ElasticLoadBalancingV2Client',
  ],
  lambda: ['lambda', () => import('@aws-sdk/client-lambda'), 'LambdaClient'],
  logs: ['logs', () => import('@aws-sdk/client-cloudwatch-logs'), 'CloudWatchLogsClient'],
  monitoring: ['cloudwatch', () => import('@aws-sdk/client-cloudwatch'), 'CloudWatchClient'],
  organizations: ['organizations', () => import('@aws-sdk/client-organizations'), 'OrganizationsClient'],
  rds: ['rds', () => import('@aws-sdk/client-rds'), 'RDSClient'],
  s3: ['s3', () => import('@aws-sdk/client-s3'), 'S3Client'],
  savingsplans: ['savingsplans', () => import('@aws-sdk/client-savingsplans'), 'SavingsplansClient'],
  sts: ['sts', () => import('@aws-sdk/client-sts'), 'STSClient'],
  tagging: ['tag', () => import('@aws-sdk/client-resource-groups-tagging-api'), 'ResourceGroupsTaggingAPIClient'],
}

interface Operation {
  name: string
  output: unknown
  isRoute(request: ReceivedRequest): boolean
}
const loaded = new Map<string, { operations: Operation[]; codec: Codec }>()

async function load(service: string): Promise<{ operations: Operation[]; codec: Codec }> {
  const known = loaded.get(service)
  if (known) return known
  const [, sdkOf, clientName] = services[service] ?? []
  const sdk = (await sdkOf?.()) as Sdk
  const Kind = sdk[clientName ?? '']
  if (!Kind) throw new Error(`no client of ${service}`)
  const operations = Object.entries(sdk).flatMap(([name, Command]): Operation[] => {
    const schema = name.endsWith('Command') ? new Command({}).schema : undefined
    if (!schema) return []
    const [, , operation, traits, , output] = schema
    const [method, path = ''] = (traits && traits.http) || []
    const pattern = new RegExp(`^${path.split('?')[0]?.replaceAll(/\{\w+\+?\}/g, '[^/]+')}$`)
    return [{ name: operation, output, isRoute: (asked) => asked.method === method && pattern.test(asked.path) }]
  })
  // The query protocol has no codec for both directions; its answers are XML like those of S3.
  const isQuery = ['ec2', 'elasticache', 'elasticloadbalancing', 'rds', 'sts'].includes(service)
  const { protocol } = isQuery ? new S3Client({ region: 'us-east-1' }).config : new Kind({ region: 'us-east-1' }).config
  const found = { operations, codec: (protocol as { getPayloadCodec(): Codec }).getPayloadCodec() }
  loaded.set(service, found)
  return found
}

function s3Operation({ method, path, query }: ReceivedRequest): string {
  if (query.has('lifecycle')) return 'GetBucketLifecycleConfiguration'
  if (query.get('list-type') === '2') return 'ListObjectsV2'
  return method === 'GET' && path === '/' ? 'ListBuckets' : 'GetObject'
}

function operationOf(
  service: string,
  operations: readonly Operation[],
  request: ReceivedRequest,
): Operation | undefined {
  const target = request.headers['x-amz-target']
  const name =
    service === 's3'
      ? s3Operation(request)
      : typeof target === 'string'
        ? target.split('.').at(-1)
        : new URLSearchParams(request.body).get('Action')
  return operations.find((each) => (name ? each.name === name : each.isRoute(request)))
}

function encoded(service: string, codec: Codec, { name, output }: Operation, value: object): Reply {
  const serializer = codec.createSerializer()
  serializer.write(output, value)
  const flushed = serializer.flush()
  const body = typeof flushed === 'string' ? flushed : new TextDecoder().decode(flushed)
  if (!body.startsWith('<')) return { body: body === '' ? {} : JSON.parse(body) }
  const inner = body.replace(/^<[^>]+>|<\/[^<>]+>$/g, '')
  if (service === 's3') return { body: `<Answer>${inner}</Answer>` }
  const result = service === 'ec2' ? inner : `<${name}Result>${inner}</${name}Result>`
  return { body: `<${name}Response>${result}</${name}Response>` }
}

export interface FakeAccount extends Loopback {
  /** Each request, in order. */
  asked: Asked[]
}

const keys = { accessKeyId: 'AKIAOURS', secretAccessKey: 'canary-own-secret' }
export const account = '222222222222'

/** The session of the role, whose keys must not appear in any message. */
const session = {
  Credentials: {
    AccessKeyId: 'ASIATHEIRS',
    SecretAccessKey: 'canary-their-secret',
    SessionToken: 'canary-token',
    Expiration: new Date('2099-01-01'),
  },
}

/** Starts an account with these answers; without an answer to AssumeRole, the role can be assumed. */
export async function fakeAccount(answer: Answer): Promise<FakeAccount> {
  const asked: Asked[] = []
  await Promise.all(Object.keys(services).map(load))
  const server = await listen((request) => {
    const [, region = '', service = ''] =
      /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? []
    const isJson = request.body.startsWith('{')
    const input = isJson ? JSON.parse(request.body) : Object.fromEntries(new URLSearchParams(request.body))
    if (service === 'cur') {
      const question = { call: 'cur:DescribeReportDefinitions', input, region, request }
      asked.push(question)
      const given = answer(question) ?? { ReportDefinitions: [] }
      return 'wire' in given ? (given.wire as Reply) : { body: given }
    }
    const { operations, codec } = loaded.get(service) ?? { operations: [] }
    const operation = operationOf(service, operations, request)
    const [prefix] = services[service] ?? []
    if (!operation || !codec) throw new Error(`unknown request to ${service}: ${request.method} ${request.path}`)
    const question = { call: `${prefix}:${operation.name}`, input, region, request }
    asked.push(question)
    const given = answer(question) ?? (operation.name === 'AssumeRole' ? session : {})
    return 'wire' in given ? (given.wire as Reply) : encoded(service, codec, operation, given)
  })
  return { ...server, asked }
}

/** Access to the account, with all that the collector tells. */
export function accessTo(server: Loopback, given: Partial<Access> = {}) {
  const calls: Call[] = []
  const problems: Problem[] = []
  const access: Access = {
    credentials: {
      cloud: 'aws',
      roleArn: `arn:aws:iam::${account}:role/CloudOptimaRead`,
      externalId: 'co-3f6d1b0c9a5e4c27',
    },
    meter: { take: async (call) => void calls.push(call) },
    report: (problem) => void problems.push(problem),
    signal: new AbortController().signal,
    now: () => new Date('2026-11-28T12:00:00Z'),
    ...given,
  }
  const { aws } = createClouds({ endpoints: { aws: server.url }, awsCredentials: keys })
  return { aws, access, calls, problems }
}
