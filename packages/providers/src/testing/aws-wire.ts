import { S3Client } from '@aws-sdk/client-s3'
import type { ReceivedRequest, Reply } from './loopback.ts'

export type { ReceivedRequest, Reply } from './loopback.ts'

// The wire formats of AWS. The SDK's own schemas put answers, objects as the SDK returns them, into these formats.

/** One request to AWS. */
export interface AwsRequest {
  /** `ec2:DescribeInstances`, with IAM's name of the service. */
  call: string
  /** JSON, or the parameters of query, form and path. */
  input: Record<string, unknown>
  region: string
  request: ReceivedRequest
}

type Schema = [9, string, string, { http?: [string, string, number] } | 0, unknown, unknown]
interface Codec {
  createSerializer(): { write(schema: unknown, value: unknown): void; flush(): string | Uint8Array }
}
interface Client {
  config: { protocol: unknown }
}
type Sdk = Record<string, new (input: object) => { schema?: Schema } & Client>

/** By the name of the service in signatures, and the version of an older API: IAM's name, its SDK and its client. */
const services: Record<string, [prefix: string, load: () => Promise<object>, client: string]> = {
  autoscaling: ['autoscaling', () => import('@aws-sdk/client-auto-scaling'), 'AutoScalingClient'],
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
  'elasticloadbalancing 2012-06-01': [
    'elasticloadbalancing',
    () => import('@aws-sdk/client-elastic-load-balancing'),
    'ElasticLoadBalancingClient',
  ],
  iam: ['iam', () => import('@aws-sdk/client-iam'), 'IAMClient'],
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

const queryServices = new Set(['autoscaling', 'ec2', 'elasticache', 'elasticloadbalancing', 'iam', 'rds', 'sts'])

/** Two APIs of one service have operations of the same name. */
function versioned(service: string, { Version }: Record<string, unknown>): string {
  const older = `${service} ${typeof Version === 'string' ? Version : ''}`
  return older in services ? older : service
}

interface Operation {
  name: string
  output: unknown
  method: string | undefined
  path: RegExp
}
interface Service {
  prefix: string
  operations: Operation[]
  codec: Codec
}
const loaded = new Map<string, Promise<Service | undefined>>()

async function load(service: string): Promise<Service | undefined> {
  const [prefix = '', sdkOf, clientName = ''] = services[service] ?? []
  const sdk = (await sdkOf?.()) as Sdk | undefined
  const Kind = sdk?.[clientName]
  if (!Kind) return undefined
  const operations = Object.entries(sdk).flatMap(([exported, Command]): Operation[] => {
    const schema = exported.endsWith('Command') ? new Command({}).schema : undefined
    if (!schema) return []
    const [, , name, traits, , output] = schema
    const [method, template = ''] = (traits && traits.http) || []
    const path = template.split('?')[0]?.replaceAll(/\{(\w+)\+?\}/g, '(?<$1>[^/]+)')
    return [{ name, output, method, path: new RegExp(`^${path}$`) }]
  })
  // The query protocol has no codec for both directions; its answers are XML like those of S3.
  const client = queryServices.has(service.split(' ')[0] ?? '')
    ? new S3Client({ region: 'us-east-1' })
    : new Kind({ region: 'us-east-1' })
  const protocol = client.config.protocol as { getPayloadCodec(): Codec }
  return { prefix, operations, codec: protocol.getPayloadCodec() }
}

async function serviceOf(name: string): Promise<Service | undefined> {
  const known = loaded.get(name) ?? load(name)
  loaded.set(name, known)
  return await known
}

/** The operation that a request asks for; throws if there is none. */
export async function recognized(request: ReceivedRequest): Promise<AwsRequest> {
  const { method, path, query, headers, body } = request
  const [, region = '', signed = ''] =
    /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '') ?? []
  const given = body.startsWith('{') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body))
  const input = { ...Object.fromEntries(query), ...given }
  if (signed === 'cur') return { call: 'cur:DescribeReportDefinitions', input, region, request }
  if (signed === 'rbin') {
    const [, root, Identifier] = path.split('/')
    const call = root === 'rules' ? 'rbin:GetRule' : 'rbin:ListRules'
    return { call, input: { ...input, Identifier }, region, request }
  }
  const service = await serviceOf(versioned(signed, input))
  const operation = service && operationOf(signed, service.operations, request)
  if (!service || !operation) throw new Error(`unknown request to ${signed}: ${method} ${path}`)
  const named = operation.method === method ? operation.path.exec(path)?.groups : undefined
  return { call: `${service.prefix}:${operation.name}`, input: { ...input, ...named }, region, request }
}

function operationOf(service: string, operations: readonly Operation[], request: ReceivedRequest) {
  const target = request.headers['x-amz-target']
  const name =
    service === 's3'
      ? s3Operation(request)
      : typeof target === 'string'
        ? target.split('.').at(-1)
        : new URLSearchParams(request.body).get('Action')
  return operations.find((each) =>
    name ? each.name === name : each.method === request.method && each.path.test(request.path),
  )
}

const lifecycleOperations: Record<string, string> = {
  GET: 'GetBucketLifecycleConfiguration',
  PUT: 'PutBucketLifecycleConfiguration',
  DELETE: 'DeleteBucketLifecycle',
}

function s3Operation({ method, path, query }: ReceivedRequest): string {
  if (query.has('lifecycle')) return lifecycleOperations[method] ?? ''
  if (query.get('list-type') === '2') return 'ListObjectsV2'
  if (method === 'HEAD') return 'HeadObject'
  return method === 'GET' && path === '/' ? 'ListBuckets' : 'GetObject'
}

/** The answer to a request, from the output of the operation. */
export async function encoded({ call, input }: AwsRequest, value: object): Promise<Reply> {
  const [prefix, name] = call.split(':')
  if (prefix === 'cur' || prefix === 'rbin') return { body: value }
  const [signed = ''] = Object.entries(services).find(([, row]) => row[0] === prefix) ?? []
  const service = await serviceOf(versioned(signed, input))
  const operation = service?.operations.find((each) => each.name === name)
  if (!service || !operation) throw new Error(`unknown operation ${call}`)
  const serializer = service.codec.createSerializer()
  serializer.write(operation.output, value)
  const flushed = serializer.flush()
  const body = typeof flushed === 'string' ? flushed : new TextDecoder().decode(flushed)
  if (!body.startsWith('<')) return { body: body === '' ? {} : JSON.parse(body) }
  const inner = body.replace(/^<[^>]+>|<\/[^<>]+>$/g, '')
  if (prefix === 's3') return { body: `<Answer>${inner}</Answer>` }
  const result = prefix === 'ec2' ? inner : `<${name}Result>${inner}</${name}Result>`
  return { body: `<${name}Response>${result}</${name}Response>` }
}

/** A refusal in the protocol of the request. */
export function refusal({ call }: AwsRequest, code: string, status: number, message?: string): Reply {
  const [service = ''] = call.split(':')
  return failure(queryServices.has(service) && service !== 'ec2' ? 'iam' : service, code, status, message)
}

/** An error in the format of the protocol. Its message contains a canary that must not appear in any output. */
export function failure(
  protocol: string,
  code: string,
  status: number,
  message = 'User: arn is not authorized to perform this. canary-from-aws',
): Reply {
  if (protocol === 'sts' || protocol === 'iam')
    return {
      status,
      body:
        `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>` +
        '<RequestId>1</RequestId></ErrorResponse>',
    }
  if (protocol === 'ec2')
    return {
      status,
      body:
        `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>1</` +
        'RequestID></Response>',
    }
  if (protocol === 's3') return { status, body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>` }
  return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: { __type: code, message } }
}
