import { Random } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import { databaseStatus, memoryOf } from './describe.ts'
import { changeOf, type Operation, type Question, Whole } from './operation.ts'
import { acting, named } from './power.ts'
import type { AwsResource } from './resource.ts'

const functionOf = (question: Question): AwsResource =>
  named(question, 'lambda:function', question.input['FunctionName'], 'ResourceNotFoundException')
const logGroupOf = (question: Question): AwsResource =>
  named(question, 'logs:log-group', question.input['logGroupName'], 'ResourceNotFoundException')

/** A database changes only in one state. */
function databaseIn(question: Question, status: 'available' | 'stopped'): AwsResource {
  const one = named(question, 'rds:db', question.input['DBInstanceIdentifier'], 'DBInstanceNotFound')
  if (databaseStatus(one, question.aws.now()) !== status) throw new Refusal('InvalidDBInstanceState', 400)
  return one
}

const switching = (isOn: boolean): Operation =>
  acting((question) => {
    const one = databaseIn(question, isOn ? 'stopped' : 'available')
    changeOf(question.aws, one, { power: { isOn, since: question.aws.now().getTime() } })
    return { DBInstance: { DBInstanceIdentifier: one.id } }
  })

const functionShape = (one: AwsResource) => ({
  FunctionName: one.id,
  FunctionArn: one.arn,
  Runtime: 'nodejs24.x',
  MemorySize: memoryOf(one),
  State: 'Active',
  LastUpdateStatus: 'Successful',
  RevisionId: Random.hex(one.key + memoryOf(one), 32),
})

const setRetention = (daysIn: (question: Question) => number | null): Operation =>
  acting((question) => {
    changeOf(question.aws, logGroupOf(question), { retentionDays: daysIn(question) })
    return {}
  })

const bucketOf = (question: Question): AwsResource => {
  const [, name] = question.request.path.split('/')
  const found = question.all('s3', 'any').find(({ id }) => id === name)
  if (!found) throw new Refusal('NoSuchBucket', 404)
  return found
}

/** A lifecycle is given and answered in the same XML. */
const setLifecycle = (lifecycleIn: (question: Question) => string | null): Operation =>
  acting((question) => {
    changeOf(question.aws, bucketOf(question), { lifecycle: lifecycleIn(question) })
    return {}
  })

const minimumSize = { 'x-amz-transition-default-minimum-object-size': 'all_storage_classes_128K' }

/** Databases, functions, logs and buckets that calls change. */
export const services: Record<string, Operation> = {
  'rds:StopDBInstance': switching(false),
  'rds:StartDBInstance': switching(true),
  'rds:ModifyDBInstance': acting((question) => {
    const one = databaseIn(question, 'available')
    const type = String(question.input['DBInstanceClass'])
    if (question.input['ApplyImmediately'] !== 'true') throw new Refusal('InvalidParameterCombination', 400)
    changeOf(question.aws, one, { class: type, modifiedAt: question.aws.now().getTime() })
    return { DBInstance: { DBInstanceIdentifier: one.id } }
  }),
  'rds:DescribeOrderableDBInstanceOptions': ({ input, region }) => {
    const type = String(input['DBInstanceClass'])
    const isKnown = /^db\.(m6i|m7g|r6g|r6i|r7g|t3|t4g)\.\w+$/.test(type)
    const AvailabilityZones = ['a', 'b', 'c'].map((zone) => ({ Name: `${region}${zone}` }))
    const option = { Engine: 'postgres', EngineVersion: '16.4', DBInstanceClass: type, StorageType: 'gp3' }
    return { OrderableDBInstanceOptions: isKnown ? [{ ...option, AvailabilityZones, MultiAZCapable: true }] : [] }
  },
  'lambda:GetFunctionConfiguration': (question) => functionShape(functionOf(question)),
  'lambda:ListAliases': () => ({ Aliases: [] }),
  'lambda:UpdateFunctionConfiguration': acting((question) => {
    const one = functionOf(question)
    const { RevisionId, MemorySize } = question.input
    if (RevisionId !== functionShape(one).RevisionId) throw new Refusal('PreconditionFailedException', 412)
    changeOf(question.aws, one, { memoryMb: Number(MemorySize) })
    return functionShape(one)
  }),
  's3:GetBucketLifecycleConfiguration': (question) => {
    const { lifecycle = null } = bucketOf(question)
    if (lifecycle === null) throw new Refusal('NoSuchLifecycleConfiguration', 404)
    return new Whole({ headers: minimumSize, body: lifecycle })
  },
  's3:PutBucketLifecycleConfiguration': setLifecycle(({ request }) => request.body),
  's3:DeleteBucketLifecycle': setLifecycle(() => null),
  'logs:PutRetentionPolicy': setRetention(({ input }) => Number(input['retentionInDays'])),
  'logs:DeleteRetentionPolicy': setRetention(() => null),
}
