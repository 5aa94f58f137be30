import type * as S3Sdk from '@aws-sdk/client-s3'
import type { LifecycleRule, TransitionDefaultMinimumObjectSize } from '@aws-sdk/client-s3'
import type { ActionOrder, ActionParameters, ActionState, ActionStep, ActionTarget } from '@cloudoptima/core'
import type { CloudAction, Json } from '@cloudoptima/core'
import { isDeepStrictEqual } from 'node:util'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import { Failure } from '../collect/failure.ts'
import type { Reader } from '../collect/reader.ts'
import { isForAll } from '../lifecycle-rule.ts'
import { changing } from './account.ts'
import { hindranceOf, notesOf } from './hindrance.ts'
import { tagsOn } from './tags.ts'

/** S3 in the region of one bucket. */
interface Bucket {
  sdk: typeof S3Sdk
  client: S3Sdk.S3Client
  /** Of another account of this name, S3 tells nothing. */
  asked: { Bucket: string; ExpectedBucketOwner: string }
}

interface Lifecycle {
  Rules: readonly LifecycleRule[]
  TransitionDefaultMinimumObjectSize?: TransitionDefaultMinimumObjectSize
}

async function bucketIn(account: Reader, { id, region }: ActionTarget): Promise<Bucket> {
  const sdk = await import('@aws-sdk/client-s3')
  const asked = { Bucket: id.replace(/^arn:[^:]*:s3:::/, ''), ExpectedBucketOwner: account.account }
  return { sdk, client: account.client('s3', sdk.S3Client, region), asked }
}

/** Undefined: there is no such bucket. */
async function lifecycleOf({ sdk, client, asked }: Bucket): Promise<Lifecycle | undefined> {
  try {
    const { Rules = [], TransitionDefaultMinimumObjectSize } = await client.send(
      new sdk.GetBucketLifecycleConfigurationCommand(asked),
    )
    return { Rules, ...(TransitionDefaultMinimumObjectSize && { TransitionDefaultMinimumObjectSize }) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.awsCode === 'NoSuchLifecycleConfiguration') return { Rules: [] }
    if (error.awsCode === 'NoSuchBucket') return undefined
    throw error
  }
}

/** JSON has no dates. */
const stateOf = (lifecycle: Lifecycle) => JSON.parse(JSON.stringify(lifecycle)) as { [field: string]: Json }

const lifecycleIn = (state: ActionState | null): Lifecycle =>
  JSON.parse(JSON.stringify(state), (key, value: unknown) =>
    key === 'Date' && typeof value === 'string' ? new Date(value) : value,
  ) as Lifecycle

/** The action `set-bucket-lifecycle`. S3 replaces all rules at once, so those of others are written again as they are. */
export function setBucketLifecycle(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async (target) => {
    const lifecycle = await lifecycleOf(await bucketIn(account, target))
    return lifecycle && stateOf(lifecycle)
  }
  return {
    readState,
    async plan({ target, parameters }) {
      const lifecycle = await lifecycleOf(await bucketIn(account, target))
      if (!lifecycle) return { refusal: 'The bucket does not exist any more.' }
      const Tags = await tagsOn(account, target)
      const refusal = hindranceOf({ Tags }) ?? unsettable(lifecycle, parameters)
      if (refusal !== undefined) return { refusal }
      const ours = rulesFor(parameters, lifecycle)
      const Rules = merged(lifecycle.Rules, ours)
      if (isDeepStrictEqual(stateOf({ Rules }), stateOf({ Rules: lifecycle.Rules }))) return 'done already'
      const abort = ours.find(({ ID }) => ID === abortId)?.AbortIncompleteMultipartUpload
      const lost = [
        ...(abort === undefined ? [] : ['uploads that the rule ends']),
        ...(parameters['tieringDays'] === undefined ? [] : ['the storage class of objects that the rule moves']),
      ]
      return {
        after: stateOf({ TransitionDefaultMinimumObjectSize: usualSize, ...lifecycle, Rules }),
        undo: 'partial',
        lost,
        losesData:
          abort === undefined
            ? null
            : `The parts of uploads that are incomplete for ${abort.DaysAfterInitiation} days are deleted for ever.`,
        notes: notesOf({ Tags }),
      }
    },
    act: async (order) => await stepTo(await bucketIn(account, order.target), order, order.after),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await stepTo(await bucketIn(account, order.target), order, order.before),
  }
}

const [abortId, tieringId] = ['cloudoptima-abort-uploads', 'cloudoptima-tiering']
const isOurs = ({ ID }: LifecycleRule) => ID === abortId || ID === tieringId
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html */
const mostRules = 1000

/** What S3 takes if nothing is said: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html */
const usualSize = 'all_storage_classes_128K'

function unsettable({ Rules }: Lifecycle, { abortUploadsDays, tieringDays }: ActionParameters): string | undefined {
  if (abortUploadsDays === undefined && tieringDays === undefined)
    return 'No rule is asked for. Give abortUploadsDays or tieringDays.'
  const others = Rules.filter((rule) => !isOurs(rule))
  if (others.length + 2 > mostRules) return `It has ${others.length} rules, and AWS allows ${mostRules}. Delete some.`
  const mover = others.find((rule) => isForAll(rule) && rule.Transitions?.length)
  return tieringDays !== undefined && mover
    ? `Its rule ${mover.ID} moves all objects already. Change this rule instead.`
    : undefined
}

function rulesFor({ abortUploadsDays, tieringDays }: ActionParameters, { Rules }: Lifecycle): LifecycleRule[] {
  const base = { Status: 'Enabled' as const, Filter: { Prefix: '' } }
  const isAborted = Rules.some(
    (rule) =>
      !isOurs(rule) &&
      isForAll(rule) &&
      (rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? Infinity) <= Number(abortUploadsDays),
  )
  const abort = { DaysAfterInitiation: Number(abortUploadsDays) }
  const tiering = { Days: Number(tieringDays), StorageClass: 'INTELLIGENT_TIERING' as const }
  return [
    ...(abortUploadsDays === undefined || isAborted
      ? []
      : [{ ...base, ID: abortId, AbortIncompleteMultipartUpload: abort }]),
    ...(tieringDays === undefined ? [] : [{ ...base, ID: tieringId, Transitions: [tiering] }]),
  ]
}

/** The rules, in which those of the same ids are replaced. */
function merged(rules: readonly LifecycleRule[], ours: readonly LifecycleRule[]): LifecycleRule[] {
  const byId = new Map(ours.map((rule) => [rule.ID, rule]))
  const added = ours.filter(({ ID }) => rules.every((rule) => rule.ID !== ID))
  return [...rules.map((rule) => byId.get(rule.ID) ?? rule), ...added]
}

/** Our rules become as in the state; rules that others have changed since stay as they are now. */
async function stepTo(bucket: Bucket, { memory }: ActionOrder, state: ActionState | null): Promise<ActionStep> {
  const { sdk, client, asked } = bucket
  const now = await lifecycleOf(bucket)
  if (!now) return refused(memory, `The bucket ${asked.Bucket} does not exist any more.`)
  const ours = lifecycleIn(state).Rules.filter(isOurs)
  const kept = now.Rules.filter((rule) => !isOurs(rule) || ours.some(({ ID }) => ID === rule.ID))
  const Rules = merged(kept, ours)
  if (isDeepStrictEqual(stateOf({ Rules }), stateOf({ Rules: now.Rules }))) return done(memory)
  const { TransitionDefaultMinimumObjectSize = usualSize } = now
  return await changing(memory, async () => {
    if (Rules.length === 0) await client.send(new sdk.DeleteBucketLifecycleCommand(asked))
    else {
      const LifecycleConfiguration = { Rules }
      const given = { ...asked, LifecycleConfiguration, TransitionDefaultMinimumObjectSize }
      await client.send(new sdk.PutBucketLifecycleConfigurationCommand(given))
    }
    return goingOn(memory, 5, `The bucket has ${Rules.length} rules.`)
  })
}
