import type { LogGroup } from '@aws-sdk/client-cloudwatch-logs'
import type { ActionOrder, ActionState, ActionStep, ActionTarget, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, found } from './account.ts'
import { hindranceOf, notesOf } from './hindrance.ts'
import { tagsOn } from './tags.ts'

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const allowedDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

async function logsIn(account: Reader, region: string) {
  const sdk = await import('@aws-sdk/client-cloudwatch-logs')
  return { sdk, client: account.client('logs', sdk.CloudWatchLogsClient, region) }
}

const nameOf = ({ id }: ActionTarget) => id.replace(/^arn:.*?:log-group:/, '').replace(/:\*$/, '')

/** Of the groups whose names begin with the name, the one with this name comes first. */
async function groupOf(account: Reader, target: ActionTarget): Promise<LogGroup | undefined> {
  const { sdk, client } = await logsIn(account, target.region)
  const asked = { logGroupNamePrefix: nameOf(target) }
  const answer = await found(async () => await client.send(new sdk.DescribeLogGroupsCommand(asked)))
  return answer?.logGroups?.find(({ logGroupName }) => logGroupName === nameOf(target))
}

/** Null: events are kept for ever. */
const stateOf = ({ retentionInDays = null }: { retentionInDays?: number | null | undefined }) => ({ retentionInDays })

/** The action `set-log-retention`. */
export function setLogRetention(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async (target) => {
    const group = await groupOf(account, target)
    return group && stateOf(group)
  }
  return {
    readState,
    async plan({ target, parameters }) {
      const days = Number(parameters['days'])
      const group = await groupOf(account, target)
      if (!group) return { refusal: 'The log group does not exist any more.' }
      if (group.retentionInDays === days) return 'done already'
      const Tags = await tagsOn(account, target)
      const refusal = hindranceOf({ Tags }) ?? unsettable(group, days)
      if (refusal !== undefined) return { refusal }
      const isShorter = days < (group.retentionInDays ?? Infinity)
      const lost = isShorter ? [`the events that are older than ${days} days`] : []
      return {
        after: stateOf({ retentionInDays: days }),
        undo: isShorter ? 'partial' : 'full',
        lost,
        losesData: isShorter ? `Events that are older than ${days} days are deleted for ever.` : null,
        notes: notesOf({ Tags }),
      }
    },
    act: async (order) => await stepTo(account, order, order.after),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await stepTo(account, order, order.before),
  }
}

function unsettable({ logGroupClass }: LogGroup, days: number): string | undefined {
  if (logGroupClass === 'DELIVERY') return 'Its class is Delivery, whose events AWS keeps for a fixed time.'
  if (allowedDays.includes(days)) return undefined
  const next = allowedDays.find((each) => each > days) ?? allowedDays.at(-1)
  return `AWS does not keep events for ${days} days. Choose ${next} days.`
}

async function stepTo(
  account: Reader,
  { target, memory }: ActionOrder,
  state: ActionState | null,
): Promise<ActionStep> {
  const { sdk, client } = await logsIn(account, target.region)
  const group = await groupOf(account, target)
  if (!group) return refused(memory, `The log group ${nameOf(target)} does not exist any more.`)
  const wanted = state?.['retentionInDays'] ?? null
  if ((group.retentionInDays ?? null) === wanted) return done(memory)
  const { logGroupName } = group
  return await changing(memory, async () => {
    if (typeof wanted === 'number')
      await client.send(new sdk.PutRetentionPolicyCommand({ logGroupName, retentionInDays: wanted }))
    else await client.send(new sdk.DeleteRetentionPolicyCommand({ logGroupName }))
    return goingOn(memory, 1, `Events are kept ${typeof wanted === 'number' ? `for ${wanted} days` : 'for ever'}.`)
  })
}
