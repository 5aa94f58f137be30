import { Refusal } from '../answers.ts'
import { costsByDay } from './costs.ts'
import { costExport } from './export.ts'
import { list, type Operation, type Question, Whole } from './operation.ts'

const pageSize = 4

/** The bucket of the export, which only the account that pays may read. */
function openBucket({ isPayer, request }: Question): string {
  const [, bucket = '', ...key] = request.path.split('/').map(decodeURIComponent)
  if (bucket !== costExport.bucket || !isPayer) throw new Refusal('AccessDenied', 403)
  return key.join('/')
}

const listObjects: Operation = async (question) => {
  openBucket(question)
  const { aws, request } = question
  const { query } = request
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const wanted = aws.export.keys().filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
  const keys = wanted.slice(0, Math.min(Number(query.get('max-keys') ?? pageSize), pageSize))
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

const csv = { OutputType: 'CUSTOM', Format: 'TEXT_OR_CSV', Compression: 'GZIP', Overwrite: 'OVERWRITE_REPORT' }
const exportArn = (account: string) => `arn:aws:bcm-data-exports:us-east-1:${account}:export/${costExport.name}`

/** Of Data Exports, Cost Explorer and S3. */
export const billing: Record<string, Operation> = {
  'cur:DescribeReportDefinitions': () => ({ ReportDefinitions: [] }),
  'bcm-data-exports:ListExports': list('Exports', ['NextToken', 'NextToken'], ({ account, isPayer }) =>
    isPayer
      ? [{ ExportName: costExport.name, ExportArn: exportArn(account), ExportStatus: { StatusCode: 'HEALTHY' } }]
      : [],
  ),
  'bcm-data-exports:GetExport': ({ account, isPayer, input: { ExportArn } }) => {
    if (!isPayer || ExportArn !== exportArn(account)) throw new Refusal('ResourceNotFoundException', 404)
    const { name: Name, bucket: S3Bucket, prefix: S3Prefix } = costExport
    const S3Destination = { S3Bucket, S3Prefix, S3Region: 'us-east-1', S3OutputConfigurations: csv }
    const DataQuery = { QueryStatement: 'SELECT * FROM FOCUS_1_2_AWS' }
    return { Export: { Name, ExportArn, DataQuery, DestinationConfigurations: { S3Destination } } }
  },
  'ce:GetCostAndUsage': (question) => ({
    ...costsByDay(question),
    DimensionValueAttributes: question.aws.estate.subAccounts.map(({ id, name }) => ({
      Value: id,
      Attributes: { description: name },
    })),
  }),
  's3:ListObjectsV2': listObjects,
  's3:GetObject': getObject,
  's3:HeadObject': getObject,
}
