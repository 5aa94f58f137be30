import type { Account } from './account.ts'
import type { Ask } from './api.ts'
import type { createClient } from './client.ts'
import { allowActions, type ConnectedAccount } from './connection.ts'
import type { Emulator } from './emulator.ts'
import { inviteApprover } from './identity.ts'
import { asked, createPolicy, disable, enable } from './policy.ts'
import { createRemediation } from './remediation.ts'

interface Given {
  anyone: Ask
  user: Ask
  account: Account
  client: ReturnType<typeof createClient>
  reach: Emulator['reach']
  machineArn: string
  connection: ConnectedAccount
  /** Nothing uses it. */
  volumeId: string
  step<Result>(title: string, run: () => Result | Promise<Result>): Promise<Result>
  note(line: string): void
}

/** A policy deletes a volume of the customer by its schedule, and a rollback restores it. */
export async function automate({ anyone, step, note, connection, ...given }: Given): Promise<void> {
  const { user, account, volumeId } = given
  const began = performance.now()
  await step('the role of our other template allows actions', async () => allowActions(user, account, connection))
  const approver = await step('a person who may approve joins by a mailed invitation', async () =>
    inviteApprover(user, anyone, account),
  )
  const policyId = await step('a policy matches the volume; its dry run plans, and changes nothing', async () =>
    createPolicy(user, volumeId),
  )
  await step('the enabled policy has a schedule in EventBridge', async () => enable(user, account, policyId))
  const remediation = createRemediation({ ...given, approver })
  const id = await step('the schedule starts an execution, which asks for approval', async () => asked(user, policyId))
  await step('the mailed link shows the plan and decides nothing; its form approves, once', async () =>
    remediation.approve(id),
  )
  const snapshotId = await step('the role for actions makes a snapshot and deletes the volume', async () =>
    remediation.carriedOut(id),
  )
  await step('a disabled policy has no schedule', async () => disable(user, account, policyId))
  const restoredId = await step('the rollback makes a volume of the snapshot', async () =>
    remediation.takeBack(id, snapshotId),
  )
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  note(`${volumeId} is ${restoredId} now; the steps of the policy took ${seconds} s`)
}
