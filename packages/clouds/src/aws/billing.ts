import { type Bill, Day, Money } from '@cloudoptima/sample'
import { costExport, type Version } from './export.ts'
import { list, type Operation, type Question, Refusal, Whole } from './operation.ts'

const pageSize = 4

/** The bucket of the export, which only the account that pays may read. */
function openBucket({ account, aws, request }: Question): string {
  const [, bucket = '', ...key] = request.path.split('/').map(decodeURIComponent)
  if (bucket !== costExport.bucket || account !== aws.estate.account) throw new Refusal('AccessDenied', 403)
  return key.join('/')
}

const listObjects: Operation = async (question) => {
  openBucket(question)
  const { aws, input } = question
  const after = String(input['continuation-token'] ?? input['start-after'] ?? '')
  const wanted = aws.export.keys().filter((key) => key.startsWith(String(input['prefix'] ?? '')) && key > after)
  const keys = wanted.slice(0, Math.min(Number(input['max-keys'] ?? pageSize), pageSize))
  const Contents = await Promise.all(
    keys.map(async (Key) => {
      const { etag: ETag, modified: LastModified, bytes: Size } = await objectOf(question, Key)
      return { Key, ETag, LastModified, Size }
    }),
  )
  const IsTruncated = keys.length < wanted.length
  return { Contents, IsTruncated, ...(IsTruncated && { NextContinuationToken: keys.at(-1) }) }
}

async function objectOf({ aws }: Question, key: string) {
  const object = await aws.export.object(key)
  if (!object) throw new Refusal('NoSuchKey', 404)
  return object
}

const getObject: Operation = async (question) => {
  const { etag, modified, bytes, content } = await objectOf(question, openBucket(question))
  const { range = '', 'if-match': ifMatch = etag } = question.request.headers
  if (ifMatch !== etag) throw new Refusal('PreconditionFailed', 412)
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
  const span = { first: Number(first ?? 0), last: Math.min(Number(last ?? bytes), bytes - 1) }
  return new Whole({
    status: first === undefined ? 200 : 206,
    headers: { etag, 'last-modified': modified.toUTCString() },
    ...('path' in content
      ? { file: { path: content.path, ...span } }
      : { body: Buffer.from(content.text).subarray(span.first, span.last + 1) }),
  })
}

interface Sum {
  billed: bigint
  effective: bigint
}
/** By day, service and account. */
type Sums = Map<string, Map<string, Map<string, Sum>>>
const summed = new WeakMap<object, Map<string, { id: string; sums: Sums }>>()

/** The sums of a version of a bill, computed once; a charge of an earlier day counts in the first of the month. */
function sumsOf({ aws }: Question, { month, id, bill }: Version): Sums {
  const known = summed.get(aws) ?? new Map<string, { id: string; sums: Sums }>()
  summed.set(aws, known)
  const old = known.get(month)
  if (old?.id === id) return old.sums
  const sums = addedUp(bill(), `${month}-01`)
  known.set(month, { id, sums })
  return sums
}

function addedUp({ charges }: Bill, first: string): Sums {
  const sums: Sums = new Map()
  for (const { fields, start, costs } of charges) {
    const day = start.slice(0, 10) < first ? first : start.slice(0, 10)
    const service = fields.ChargeCategory === 'Tax' ? 'Tax' : (fields.ServiceName ?? '')
    const services = sums.get(day) ?? new Map<string, Map<string, Sum>>()
    const accounts = services.get(service) ?? new Map<string, Sum>()
    const sum = accounts.get(fields.SubAccountId ?? '') ?? { billed: 0n, effective: 0n }
    sum.billed += costs.billed
    sum.effective += costs.effective
    sums.set(day, services.set(service, accounts.set(fields.SubAccountId ?? '', sum)))
  }
  return sums
}

const dayPages = list('ResultsByTime', ['NextPageToken', 'NextPageToken'], (question) => {
  const { Start = '', End = '' } = question.input['TimePeriod'] as Record<string, string>
  const days: object[] = []
  for (let day = Day.parse(Start); day < Day.parse(End); day++) days.push(dayOf(question, day))
  return days
})

/** A member of the organization sees its own costs. */
function dayOf(question: Question, day: Day.Day): object {
  const { aws, account } = question
  const [Start, End] = [Day.format(day), Day.format(day + 1)]
  const services = sumsOf(question, aws.export.version(Start.slice(0, 7))).get(Start) ?? new Map<string, never>()
  const Groups = [...services].flatMap(([service, accounts]) =>
    [...accounts]
      .filter(([owner]) => account === aws.estate.account || owner === account)
      .map(([owner, { billed, effective }]) => ({
        Keys: [service, owner],
        Metrics: {
          UnblendedCost: amount(billed),
          AmortizedCost: amount(effective),
          NetAmortizedCost: amount(effective),
        },
      })),
  )
  return { TimePeriod: { Start, End }, Groups, Estimated: true }
}

const amount = (cost: bigint) => ({ Amount: Money.format(cost, Money.costScale), Unit: 'USD' })

const exportArn = (account: string) => `arn:aws:bcm-data-exports:us-east-1:${account}:export/${costExport.name}`

/** Of Data Exports, Cost Explorer and S3. */
export const billing: Record<string, Operation> = {
  'cur:DescribeReportDefinitions': () => ({ ReportDefinitions: [] }),
  'bcm-data-exports:ListExports': list('Exports', ['NextToken', 'NextToken'], ({ account, aws }) =>
    account === aws.estate.account
      ? [{ ExportName: costExport.name, ExportArn: exportArn(account), ExportStatus: { StatusCode: 'HEALTHY' } }]
      : [],
  ),
  'bcm-data-exports:GetExport': ({ account, aws, input }) => {
    if (account !== aws.estate.account || input['ExportArn'] !== exportArn(account))
      throw new Refusal('ResourceNotFoundException', 404)
    const { name: Name, bucket: S3Bucket, prefix: S3Prefix } = costExport
    return {
      Export: {
        Name,
        ExportArn: exportArn(account),
        DataQuery: { QueryStatement: 'SELECT * FROM FOCUS_1_2_AWS' },
        DestinationConfigurations: {
          S3Destination: {
            ...{ S3Bucket, S3Prefix, S3Region: 'us-east-1' },
            S3OutputConfigurations: {
              OutputType: 'CUSTOM',
              Format: 'TEXT_OR_CSV',
              Compression: 'GZIP',
              Overwrite: 'OVERWRITE_REPORT',
            },
          },
        },
        RefreshCadence: { Frequency: 'SYNCHRONOUS' },
      },
    }
  },
  'ce:GetCostAndUsage': async (question) => ({
    ...(await dayPages(question)),
    DimensionValueAttributes: question.aws.estate.subAccounts.map(({ id, name }) => ({
      Value: id,
      Attributes: { description: name },
    })),
  }),
  's3:ListObjectsV2': listObjects,
  's3:GetObject': getObject,
  's3:HeadObject': getObject,
  's3:ListBuckets': list('Buckets', ['continuation-token', 'ContinuationToken'], ({ all }) =>
    all('s3', 'any').map(({ id, region, createdAt }) => ({ Name: id, BucketRegion: region, CreationDate: createdAt })),
  ),
  's3:GetBucketLifecycleConfiguration': () => {
    throw new Refusal('NoSuchLifecycleConfiguration', 404)
  },
}
