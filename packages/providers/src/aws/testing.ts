import { failure } from '../testing/aws-wire.ts'
import { listen, type Loopback, type Reply, type ReceivedRequest } from '../testing/loopback.ts'

/** The behavior of a fake AWS. */
export interface FakeAws {
  account: string
  externalId: string
  /** Whether the role's trust policy accepts an external id. By default only the right one. */
  trusts?: (externalId: string | undefined) => boolean
  /** Permissions that the role lacks. */
  lacks?: readonly string[]
  /** The behavior of IAM's policy simulator. `works` by default. */
  simulator?: 'works' | 'denied' | 'absent'
  /** Buckets that receive cost exports. */
  exportsTo?: readonly string[]
  reportsTo?: readonly string[]
  /** The region of reports. us-east-1 by default. */
  reportRegion?: string
  /** Buckets that cannot be read. */
  closedBuckets?: readonly string[]
  alias?: string
  /** The management account of the organization, and the name of the account in it. */
  organization?: { payer: string; name: string }
  /** Overrides the answer to a request. */
  override?: (call: string, request: ReceivedRequest) => Reply | undefined
}

export interface RunningAws extends Loopback {
  /** `service:Operation` of each request, with the access key that signed it. */
  calls: { call: string; key: string }[]
}

/** A fake AWS server with the query, JSON and S3 REST protocols. Its only state is the list of calls. */
export async function fakeAws(fake: FakeAws): Promise<RunningAws> {
  const calls: RunningAws['calls'] = []
  const server = await listen((request) => {
    const { service, call, key } = recognise(request)
    calls.push({ call, key })
    const parameters = new URLSearchParams(request.body)
    return (
      fake.override?.(call, request) ??
      answers[service]?.(fake, call, parameters, request) ??
      failure(service, 'InvalidAction', 400)
    )
  })
  return { ...server, calls }
}

function recognise(request: ReceivedRequest): { service: string; call: string; key: string } {
  const [, key = '', service = ''] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? []
  const target = request.headers['x-amz-target']
  const operation =
    typeof target === 'string' ? target.split('.').at(-1) : new URLSearchParams(request.body).get('Action')
  const s3 = request.query.get('list-type') === '2' ? 'ListObjectsV2' : 'GetObject'
  return { service, call: `${service}:${service === 's3' ? s3 : (operation ?? '')}`, key }
}

type Answer = (fake: FakeAws, call: string, parameters: URLSearchParams, request: ReceivedRequest) => Reply | undefined

const answers: Record<string, Answer> = {
  sts: (fake, call, parameters) => {
    if (call === 'sts:GetCallerIdentity')
      return xml(
        call,
        `<Arn>arn:aws:sts::${fake.account}:assumed-role/R/s</Arn><UserId>A:s</UserId><Account>${fake.account}</` +
          'Account>',
      )
    const trusts = fake.trusts ?? ((id) => id === fake.externalId)
    if (!trusts(parameters.get('ExternalId') ?? undefined)) return failure('sts', 'AccessDenied', 403)
    return xml(
      call,
      '<Credentials><AccessKeyId>ASIATHEIRS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</' +
        'SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>',
    )
  },
  iam: (fake, call, parameters) => {
    if (call === 'iam:ListAccountAliases')
      return allowed(fake, 'iam:ListAccountAliases', 'iam', () =>
        xml(
          call,
          '<IsTruncated>false</IsTruncated><AccountAliases>' +
            `${fake.alias === undefined ? '' : `<member>${fake.alias}</member>`}</AccountAliases>`,
        ),
      )
    if (fake.simulator === 'denied') return failure('iam', 'AccessDenied', 403)
    if (fake.simulator === 'absent') return failure('iam', 'InvalidAction', 400)
    const actions = [...parameters].filter(([name]) => name.startsWith('ActionNames.')).map(([, value]) => value)
    const member = (action: string) =>
      `<member><EvalActionName>${action}</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>` +
      `${fake.lacks?.includes(action) ? 'implicitDeny' : 'allowed'}</EvalDecision></member>`
    return xml(
      call,
      `<IsTruncated>false</IsTruncated><EvaluationResults>${actions.map(member).join('')}</EvaluationResults>`,
    )
  },
  ce: (fake, call) => allowed(fake, call, 'ce', () => ({ body: { ResultsByTime: [] } })),
  cur: (fake, call) =>
    allowed(fake, call, 'cur', () => ({
      body: {
        ReportDefinitions: (fake.reportsTo ?? []).map((S3Bucket) => ({
          ReportName: 'r',
          S3Bucket,
          S3Prefix: 'cur',
          S3Region: fake.reportRegion ?? 'us-east-1',
        })),
      },
    })),
  'bcm-data-exports': (fake, call, _, { body }) =>
    allowed(fake, call, 'json', () => {
      if (call.endsWith('ListExports'))
        return {
          body: {
            Exports: (fake.exportsTo ?? []).map((bucket) => ({
              ExportArn: `arn:aws:bcm-data-exports:us-east-1:${fake.account}:export/${bucket}`,
              ExportName: bucket,
              ExportStatus: { StatusCode: 'HEALTHY' },
            })),
          },
        }
      const bucket = (JSON.parse(body) as { ExportArn: string }).ExportArn.split('/')[1]
      return {
        body: {
          Export: {
            Name: bucket,
            DestinationConfigurations: {
              S3Destination: { S3Bucket: bucket, S3Prefix: 'focus', S3Region: 'us-east-1' },
            },
          },
        },
      }
    }),
  organizations: (fake, call) =>
    allowed(fake, call, 'json', () => {
      if (!fake.organization) return failure('json', 'AWSOrganizationsNotInUseException', 400)
      const { payer, name } = fake.organization
      return call.endsWith('ListAccounts')
        ? { body: { Accounts: [{ Id: fake.account, Name: name }] } }
        : { body: { Organization: { Id: 'o-1', MasterAccountId: payer } } }
    }),
  // A permitted dry run ends in DryRunOperation with status 412.
  ec2: (fake, call) => allowed(fake, call, 'ec2', () => failure('ec2', 'DryRunOperation', 412)),
  monitoring: (fake, call) =>
    allowed(fake, call.replace('monitoring', 'cloudwatch'), 'json', () => ({ body: { MetricDataResults: [] } })),
  s3: (fake, call, _, { path }) => {
    const isClosed =
      fake.closedBuckets?.some((bucket) => path.startsWith(`/${bucket}/`) || path === `/${bucket}`) ?? false
    if (isClosed || fake.lacks?.includes(call === 's3:ListObjectsV2' ? 's3:ListBucket' : call))
      return failure('s3', 'AccessDenied', 403)
    return call === 's3:GetObject'
      ? { body: 'x' }
      : {
          body:
            '<ListBucketResult><Name>b</Name><KeyCount>1</KeyCount><Contents><Key>focus/a.parquet</Key></Contents>' +
            '</ListBucketResult>',
        }
  },
}

function allowed(fake: FakeAws, permission: string, protocol: string, reply: () => Reply): Reply {
  const code = { iam: 'AccessDenied', ec2: 'UnauthorizedOperation' }[protocol] ?? 'AccessDeniedException'
  return fake.lacks?.includes(permission)
    ? failure(protocol, code, protocol === 'iam' || protocol === 'ec2' ? 403 : 400)
    : reply()
}

function xml(call: string, inner: string): Reply {
  const operation = call.split(':')[1]
  return {
    body:
      `<${operation}Response><${operation}Result>${inner}</${operation}Result><ResponseMetadata><RequestId>1</` +
      `RequestId></ResponseMetadata></${operation}Response>`,
  }
}
