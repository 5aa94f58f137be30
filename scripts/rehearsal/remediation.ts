import { volumeGb } from './advice.ts'
import type { Account } from './account.ts'
import { poll, type Ask } from './api.ts'
import { type createClient, expectStatus } from './client.ts'
import type { Emulator } from './emulator.ts'
import { executionOf, reached } from './policy.ts'
import { expectEqual } from './totals.ts'

interface Given {
  user: Ask
  account: Account
  client: ReturnType<typeof createClient>
  reach: Emulator['reach']
  machineArn: string
  volumeId: string
  /** Address of the approver. */
  approver: string
}

const waitOfAct = 120

/** An execution that waits for its approval, until it is rolled back. */
export function createRemediation({ user, account, client, reach, machineArn, volumeId, approver }: Given) {
  const describe = async (what: 'Volumes' | 'Snapshots'): Promise<string[]> => {
    const xml = await account.query('ec2', `Describe${what}`, '2016-11-15', {})
    return xml.split('<item>')
  }
  const isThere = async () => (await describe('Volumes')).some((item) => item.includes(`>${volumeId}<`))
  const backups = async () =>
    (await describe('Snapshots')).flatMap((item) =>
      item.includes(`>${volumeId}<`) ? (/<snapshotId>([^<]+)</.exec(item)?.[1] ?? []) : [],
    )
  const stateOf = async (name: string) => {
    const executionArn = `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`
    const answer = await account.call<{ status: string }>('states', 'AWSStepFunctions.DescribeExecution', {
      executionArn,
    })
    return answer.status
  }

  /** The link of the mail shows the plan, and decides nothing. Its form approves, once. */
  const approve = async (id: string): Promise<void> => {
    const mails = await poll(
      async () =>
        (await account.mails()).filter(({ To, BodyText }) => To.includes(approver) && BodyText.includes('?token=')),
      (found) => found.length > 0,
    )
    const link = reach(/https:\S+\/v1\/approve\?token=\S+/.exec(mails[0]?.BodyText ?? '')?.[0] ?? '')
    const page = expectStatus(await client.send({ method: 'GET', url: link }), 200, 'the page of the plan')
    const { stage, plan_hash } = await executionOf(user, id)
    const isShown = page.includes(volumeId) && page.includes(`name="plan_hash" value="${plan_hash}"`)
    expectEqual([isShown, stage, await isThere()], [true, 'awaiting_approval', true], 'what the link shows')
    await user('POST', `/v1/executions/${id}/approve`, 403, { plan_hash })
    const { origin, pathname, searchParams } = new URL(link)
    const token = searchParams.get('token') ?? ''
    const approveOnce = async (status: number) => {
      const body = new URLSearchParams({
        token,
        plan_hash: plan_hash ?? '',
        decision: 'approve',
        reason: '',
      }).toString()
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      expectStatus(await client.send({ method: 'POST', url: origin + pathname, headers, body }), status, 'the decision')
    }
    await approveOnce(200)
    await approveOnce(422)
  }

  /** Waits until the volume is backed up and deleted. Returns the snapshot. */
  const carriedOut = async (id: string): Promise<string> => {
    const { targets } = await reached(user, id, 'succeeded', waitOfAct)
    const [snapshotId = '', ...others] = await backups()
    const found = [targets.map(({ state }) => state), await isThere(), snapshotId === '', others]
    expectEqual(found, [['done'], false, false, []], 'what was done')
    // It waits for nine days, and then measures.
    expectEqual(await stateOf(id), 'RUNNING', 'the execution of Step Functions')
    return snapshotId
  }

  /** Rolls back, and waits for a volume that is made of the snapshot. Returns its id. */
  const takeBack = async (id: string, snapshotId: string): Promise<string> => {
    await user('POST', `/v1/executions/${id}/rollback`, 200, { reason: 'The rehearsal needs it.' })
    const { targets } = await reached(user, id, 'rolled_back', waitOfAct)
    const [target] = targets
    const restoredId = target?.restored_id ?? ''
    expectEqual([target?.state, target?.not_restored], ['restored', []], 'what was taken back')
    const made = (await describe('Volumes')).find((item) => item.includes(`>${restoredId}<`)) ?? ''
    const [, size] = /<size>(\d+)</.exec(made) ?? []
    const isOfSnapshot = made.includes(`<snapshotId>${snapshotId}<`)
    expectEqual([isOfSnapshot, size, await backups()], [true, volumeGb, []], 'the restored volume')
    await poll(
      async () => await stateOf(`${id}-rollback-1`),
      (status) => status === 'SUCCEEDED',
    )
    return restoredId
  }
  return { approve, carriedOut, takeBack }
}
