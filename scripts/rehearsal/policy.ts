import { randomUUID } from 'node:crypto'
import type { Account } from './account.ts'
import { poll, type Ask } from './api.ts'
import { expectEqual } from './totals.ts'

interface Execution {
  id: string
  stage: string
  outcome: string | null
  plan_hash: string | null
  trigger: { type: string } | null
  targets: {
    resource_id: string
    state: string
    reason: string | null
    before: Record<string, unknown> | null
    restored_id: string | null
    not_restored: string[] | null
  }[]
  logs: string[]
}

export const executionOf = async (user: Ask, id: string): Promise<Execution> =>
  await user<Execution>('GET', `/v1/executions/${id}`, 200)

/** Waits until an execution has left the stages that it passes by itself; it has to be in this one then. */
export async function reached(user: Ask, id: string, stage: string, seconds = 60): Promise<Execution> {
  const passing = new Set(['planning', 'waiting', 'executing', 'rolling_back'])
  const found = await poll(
    async () => await executionOf(user, id),
    (one) => !passing.has(one.stage),
    seconds,
  )
  if (found.stage !== stage) throw new Error(`The execution is not ${stage}: ${JSON.stringify(found)}`)
  return found
}

const settings = {
  name: 'Disks without use',
  enabled: false,
  trigger: { type: 'schedule', config: { cron: '* * * * *', timezone: 'UTC' } },
  conditions: [
    { field: 'attached', operator: '=', value: false },
    { field: 'recommendation.rule', operator: '=', value: 'aws-volume-unattached' },
  ],
  actions: [{ type: 'delete-volume' }],
}

/** Creates a policy that deletes the volume, and executes it as a dry run. Returns its id. */
export async function createPolicy(user: Ask, volumeId: string): Promise<string> {
  const { policy_id } = await user<{ policy_id: string }>('POST', '/v1/policies', 201, settings)
  const path = `/v1/policies/${policy_id}/execute`
  const { execution_id, matched } = await user<{ execution_id: string; matched: number }>('POST', path, 202, {
    dry_run: true,
  })
  const { targets } = await reached(user, execution_id, 'planned')
  const found = targets.map(({ resource_id, state, reason }) => [resource_id, state, reason])
  expectEqual([matched, found], [1, [[volumeId, 'planned', null]]], 'the dry run')
  return policy_id
}

interface Schedule {
  Name: string
  GroupName: string
  ScheduleExpression: string
  Target: { Arn: string; RoleArn: string; Input: string }
}

const group = 'cloudoptima-rehearsal'

/** The schedules of the policy in EventBridge Scheduler; there is one if it waits for its times. */
async function schedulesOf(account: Account, policyId: string): Promise<Schedule[]> {
  const list = `/schedules?ScheduleGroup=${group}`
  const { Schedules } = await account.rest<{ Schedules: { Name: string }[] }>('scheduler', 'GET', list)
  const own = Schedules.filter(({ Name }) => Name.endsWith(`.${policyId}`))
  return await Promise.all(
    own.map(
      async ({ Name }) => await account.rest<Schedule>('scheduler', 'GET', `/schedules/${Name}?groupName=${group}`),
    ),
  )
}

/**
 * Enables the policy, and waits for its schedule. MiniStack does not replace the context attributes of the message, so
 * they are replaced here, by the next minute.
 */
export async function enable(user: Ask, account: Account, policyId: string): Promise<void> {
  await user('PUT', `/v1/policies/${policyId}`, 200, { enabled: true })
  const [schedule] = await poll(
    async () => await schedulesOf(account, policyId),
    (found) => found.length > 0,
  )
  if (!schedule) throw new Error('The policy has no schedule.')
  expectEqual(schedule.ScheduleExpression, 'cron(* * * * ? *)', 'the schedule')
  const minuteMs = 60_000
  const due = new Date(Math.ceil(Date.now() / minuteMs) * minuteMs).toISOString()
  const Input = schedule.Target.Input.replaceAll('<aws.scheduler.scheduled-time>', due).replaceAll(
    '<aws.scheduler.execution-id>',
    randomUUID(),
  )
  if (Input.includes('<aws')) throw new Error(`The message has an unknown attribute: ${Input}`)
  const { Name, ...others } = schedule
  await account.rest('scheduler', 'PUT', `/schedules/${Name}`, { ...others, Target: { ...schedule.Target, Input } })
}

/** Disables the policy, and waits until its schedule is gone. */
export async function disable(user: Ask, account: Account, policyId: string): Promise<void> {
  await user('PUT', `/v1/policies/${policyId}`, 200, { enabled: false })
  await poll(
    async () => await schedulesOf(account, policyId),
    (found) => found.length === 0,
  )
}

// The schedule fires within two minutes.
const patienceSeconds = 180

/** Waits until the schedule has started an execution, which asks for approval. Returns its id. */
export async function asked(user: Ask, policyId: string): Promise<string> {
  const path = `/v1/policies/${policyId}/executions`
  const { executions } = await poll(
    async () => await user<{ executions: Execution[] }>('GET', path, 200),
    (found) => found.executions.some(({ trigger }) => trigger?.type === 'schedule'),
    patienceSeconds,
  )
  const id = executions.find(({ trigger }) => trigger?.type === 'schedule')?.id ?? ''
  return (await reached(user, id, 'awaiting_approval')).id
}
