import type { Account } from './account.ts'
import { type Ask, poll } from './api.ts'
import { accountId } from './emulator.ts'
import { reached } from './policy.ts'
import { expectEqual } from './totals.ts'

/** What the customer wastes: a machine without work and a volume without a machine. */
export interface Waste {
  instanceId: string
  volumeId: string
}

interface Recommendation {
  id: string
  rule: string
  estimated_savings_monthly_exact: string | null
  currency: string | null
  confidence: { level: string }
  affected_resources: { id: string }[]
}

interface Applied {
  execution_id: string
  plan: {
    cost_impact: { savings: string | null }
    resource_changes: { resource_id: string; change_type: string }[]
  }
}

const path = '/v1/recommendations'
// An analysis is at least 30 seconds after another, and three follow the connection.
const patienceSeconds = 180

/** Savings are the costs in the bill; of the volume, less a full snapshot of its 1 GB at the list price of 0.05. */
const expected = {
  'aws-instance-idle': { saving: '2', confidence: 'high' },
  'aws-volume-unattached': { saving: '0.0055555556', confidence: 'medium' },
}

const list = async (user: Ask, query = ''): Promise<Recommendation[]> =>
  (await user<{ recommendations: Recommendation[] }>('GET', `${path}?page_size=100${query}`, 200)).recommendations

const of = (all: readonly Recommendation[], resourceId: string) =>
  all.find(({ affected_resources: [first] }) => first?.id === resourceId)

/** The size of the unattached volume in GB. */
export const volumeGb = '1'

/** Creates a volume in the customer's account that no machine uses; returns its id. */
export async function createVolume(account: Account): Promise<string> {
  const asked = { AvailabilityZone: 'us-east-1a', Size: volumeGb, VolumeType: 'gp3' }
  const answer = await account.query('ec2', 'CreateVolume', '2016-11-15', asked)
  const id = /<volumeId>(vol-[\da-f]+)</.exec(answer)?.[1]
  if (id === undefined) throw new Error(`EC2 created no volume: ${answer.slice(0, 500)}`)
  return id
}

/** The metrics of a machine that did next to nothing in the last 14 days, in CloudWatch. */
export async function keepIdle(account: Account, instanceId: string): Promise<void> {
  const hourMs = 3_600_000
  const thisHour = Math.floor(Date.now() / hourMs) * hourMs
  for (const [name, value] of [
    ['CPUUtilization', '0.4'],
    ['NetworkIn', '20000'],
    ['NetworkOut', '15000'],
  ] as const) {
    const points = Array.from({ length: 14 * 24 - 1 }, (_, index) => {
      const datum = `MetricData.member.${index + 1}`
      return {
        [`${datum}.MetricName`]: name,
        [`${datum}.Dimensions.member.1.Name`]: 'InstanceId',
        [`${datum}.Dimensions.member.1.Value`]: instanceId,
        [`${datum}.Timestamp`]: new Date(thisHour - (index + 1) * hourMs).toISOString(),
        [`${datum}.Value`]: value,
      }
    })
    const data: Record<string, string> = Object.assign({ Namespace: 'AWS/EC2' }, ...points)
    await account.query('monitoring', 'PutMetricData', '2010-08-01', data)
  }
}

const volumeCost = '0.05555555560'

/** Two rows of the bill become theirs. The FOCUS sample rounds effective costs to whole units, and that of a disk to 0. */
export function chargeWaste(sample: string, { instanceId, volumeId }: Waste): string {
  return sample
    .replace(/"i-06fal80lf5517049b"([^\n]*)"11353890204"/, `"${instanceId}"$1"${accountId}"`)
    .replace(
      /("GB-Months",)0\.0+,0\.0+,0\.0+(,[^\n]*)"vom-0ff4l8a1236860144"([^\n]*)"86366525267"/,
      `$1${volumeCost},0.08,${volumeCost}$2"${volumeId}"$3"${accountId}"`,
    )
}

/** Waits until both were judged; returns a line about each. */
export async function findAdvice(user: Ask, { instanceId, volumeId }: Waste): Promise<string[]> {
  const all = await poll(
    async () => await list(user),
    (found) => [instanceId, volumeId].every((id) => of(found, id)?.estimated_savings_monthly_exact != null),
    patienceSeconds,
  )
  return [instanceId, volumeId].map((id) => {
    const { rule = '', estimated_savings_monthly_exact: saving, confidence, currency } = of(all, id) ?? {}
    const known = Object.entries(expected).find(([name]) => name === rule)?.[1]
    expectEqual({ saving, confidence: confidence?.level }, known, `the recommendation ${rule} for ${id}`)
    return `${id}: ${rule}, saves ${saving} ${currency} in 30 days`
  })
}

/** Plans one, which changes nothing, and dismisses the other, which leaves the list; returns a line about each. */
export async function actOnAdvice(user: Ask, { instanceId, volumeId }: Waste): Promise<string[]> {
  const before = await list(user)
  const [idle, unattached] = [of(before, instanceId), of(before, volumeId)]
  if (!idle || !unattached) throw new Error(`The recommendations are ${JSON.stringify(before)}`)
  const applied = await user<Applied>('POST', `${path}/${unattached.id}/apply`, 200, { dry_run: true })
  const [change] = applied.plan.resource_changes
  const { savings } = applied.plan.cost_impact
  const wanted = [volumeId, 'delete', unattached.estimated_savings_monthly_exact]
  expectEqual([change?.resource_id, change?.change_type, savings], wanted, 'the plan')
  const { targets } = await reached(user, applied.execution_id, 'planned')
  const planned = targets.map(({ resource_id, state }) => [resource_id, state])
  expectEqual(planned, [[volumeId, 'planned']], 'the plan in the cloud')
  await user('POST', `${path}/${idle.id}/dismiss`, 200, { reason: 'A machine of the rehearsal.' })
  const [after, dismissed] = [await list(user), await list(user, '&status=dismissed')]
  const found = [of(after, instanceId)?.id, of(after, volumeId)?.id, of(dismissed, instanceId)?.id]
  expectEqual(found, [undefined, unattached.id, idle.id], 'what is left, and what is dismissed')
  return [`${volumeId}: ${change?.change_type} saves ${savings}`, `${instanceId}: dismissed`]
}
