import { Random } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import { publicIp, sizeGb, volumeShape } from './describe.ts'
import { instanceOf } from './instances.ts'
import { changeOf, type Operation, type Question } from './operation.ts'
import { acting, named } from './power.ts'
import { tagsIn, valuesOf } from './query.ts'
import type { AwsResource, Changes } from './resource.ts'

const volumeNamed = (question: Question) =>
  named(question, 'ec2:volume', question.input['VolumeId'], 'InvalidVolume.NotFound')
const snapshotNamed = (question: Question) =>
  named(question, 'ec2:snapshot', question.input['SnapshotId'], 'InvalidSnapshot.NotFound')

/** A new resource of EC2 that is like another one. */
export function made(
  question: Question,
  like: AwsResource,
  kind: string,
  prefix: string,
  change: Changes,
): AwsResource {
  const { aws, account, region, input } = question
  const id = `${prefix}-${Random.hex(Random.mix(like.key, aws.created.length + 101), 17)}`
  const created: AwsResource = {
    ...like,
    attachment: null,
    clientToken: undefined,
    endedAt: undefined,
    madeOf: undefined,
    modifiedAt: undefined,
    ...change,
    id,
    arn: `arn:aws:ec2:${region}:${account}:${kind}/${id}`,
    type: `ec2:${kind}`,
    endDay: Infinity,
    tags: tagsIn(input),
    createdAt: aws.now(),
    madeAt: aws.now().getTime(),
  }
  aws.created.push(created)
  return created
}

export const end = ({ aws }: Question, one: AwsResource): object => {
  changeOf(aws, one, { endedAt: aws.now().getTime() })
  return {}
}

const attachmentOf = (volume: AwsResource, { aws }: Question) => instanceOf(volume, aws, aws.now())

/** The last change of a volume. */
function modification({ id, modifiedAt = 0 }: AwsResource, now: Date): object {
  const seconds = (now.getTime() - modifiedAt) / 1000
  const ModificationState = seconds < 10 ? 'modifying' : seconds < 60 ? 'optimizing' : 'completed'
  return {
    VolumeId: id,
    ModificationState,
    Progress: Math.min(100, Math.floor(seconds)),
    StartTime: new Date(modifiedAt),
  }
}

function shapeIn({ input }: Question, old: NonNullable<Changes['shape']>): NonNullable<Changes['shape']> {
  const number = (name: string) => (input[name] === undefined ? undefined : Number(input[name]))
  const shape = {
    type: typeof input['VolumeType'] === 'string' ? input['VolumeType'] : old.type,
    sizeGb: number('Size') ?? old.sizeGb,
    iops: number('Iops') ?? old.iops,
    throughput: number('Throughput') ?? old.throughput,
  }
  if (shape.sizeGb < old.sizeGb) throw new Refusal('InvalidParameterValue', 400)
  return shape
}

/** Volumes, snapshots and addresses that are made, changed and deleted. */
export const storage: Record<string, Operation> = {
  'ec2:CreateSnapshot': acting((question) => {
    const volume = volumeNamed(question)
    const madeOf = { volumeId: volume.id, sizeGb: volumeShape(volume).sizeGb }
    const { id } = made(question, volume, 'snapshot', 'snap', { madeOf })
    return { SnapshotId: id, VolumeId: volume.id, State: 'pending' }
  }),
  'ec2:DeleteSnapshot': acting((question) => end(question, snapshotNamed(question))),
  'rbin:ListRules': () => ({ Rules: [] }),
  'ec2:ListSnapshotsInRecycleBin': () => ({ Snapshots: [] }),
  'ec2:CreateVolume': acting((question) => {
    const { all, input } = question
    const clientToken = String(input['ClientToken'])
    const known = all('ec2:volume').find((each) => each.clientToken === clientToken)
    if (known) return { VolumeId: known.id, State: 'creating' }
    const snapshot = snapshotNamed(question)
    const shape = shapeIn(question, { type: 'gp2', sizeGb: sizeGb(snapshot), iops: 3000, throughput: 125 })
    const { id } = made(question, snapshot, 'volume', 'vol', { shape, clientToken })
    return { VolumeId: id, State: 'creating' }
  }),
  'ec2:DeleteVolume': acting((question) => {
    const volume = volumeNamed(question)
    if (attachmentOf(volume, question)) throw new Refusal('VolumeInUse', 400)
    return end(question, volume)
  }),
  'ec2:DetachVolume': acting((question) => {
    const volume = volumeNamed(question)
    if (!attachmentOf(volume, question)) throw new Refusal('IncorrectState', 400)
    changeOf(question.aws, volume, { attachment: null })
    return { State: 'detaching' }
  }),
  'ec2:AttachVolume': acting((question) => {
    const { input, aws } = question
    const volume = volumeNamed(question)
    const instance = named(question, 'ec2:instance', input['InstanceId'], 'InvalidInstanceID.NotFound')
    if (attachmentOf(volume, question)) throw new Refusal('VolumeInUse', 400)
    changeOf(aws, volume, { attachment: instance.id })
    return { State: 'attaching' }
  }),
  'ec2:ModifyVolume': acting((question) => {
    const { aws } = question
    const volume = volumeNamed(question)
    changeOf(aws, volume, { shape: shapeIn(question, volumeShape(volume)), modifiedAt: aws.now().getTime() })
    return { VolumeModification: modification(volume, aws.now()) }
  }),
  'ec2:DescribeVolumesModifications': ({ input, all, aws }) => {
    const ids = valuesOf(input, 'VolumeId')
    const changed = all('ec2:volume').filter(({ id, modifiedAt }) => ids.includes(id) && modifiedAt !== undefined)
    if (changed.length < ids.length) throw new Refusal('InvalidVolumeModification.NotFound', 400)
    return { VolumesModifications: changed.map((volume) => modification(volume, aws.now())) }
  },
  'ec2:ReleaseAddress': acting((question) => {
    const { input } = question
    return end(question, named(question, 'ec2:elastic-ip', input['AllocationId'], 'InvalidAllocationID.NotFound'))
  }),
  'ec2:AllocateAddress': acting((question) => {
    const { aws, account, input } = question
    const own = aws.resources.filter((each) => each.type === 'ec2:elastic-ip' && each.account === account)
    const old = own.find((each) => publicIp(each) === input['Address'] && each.endedAt !== undefined)
    if (!old) throw new Refusal('InvalidAddress.NotFound', 400)
    const { id } = made(question, old, 'elastic-ip', 'eipalloc', {})
    return { AllocationId: id, PublicIp: publicIp(old), Domain: 'vpc' }
  }),
  'ec2:DeleteTags': acting((question) => {
    const { input, aws } = question
    const ids = new Set(valuesOf(input, 'ResourceId'))
    const keys = new Set(
      Object.entries(input).flatMap(([name, key]) => (/^Tag\.\d+\.Key$/.test(name) ? [String(key)] : [])),
    )
    for (const one of aws.resources.filter(({ id }) => ids.has(id)))
      changeOf(aws, one, { tags: Object.fromEntries(Object.entries(one.tags).filter(([key]) => !keys.has(key))) })
    return {}
  }),
}
