import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from './account.ts'
import type { Ask } from './api.ts'

interface Syncs {
  sources: { kind: string; looked_at: string | null; problems: { part: string; message: string }[] }[]
}

const patienceMs = 90_000
const instanceType = 'm5.4xlarge'

/** A machine in the customer's account; returns its id. */
export async function runInstance(account: Account): Promise<string> {
  const answer = await account.query('ec2', 'RunInstances', '2016-11-15', {
    ImageId: 'ami-12345678',
    InstanceType: instanceType,
    MinCount: '1',
    MaxCount: '1',
    'TagSpecification.1.ResourceType': 'instance',
    'TagSpecification.1.Tag.1.Key': 'team',
    'TagSpecification.1.Tag.1.Value': 'rehearsal',
  })
  const id = /<instanceId>(i-[\da-f]+)</.exec(answer)?.[1]
  if (id === undefined) throw new Error(`EC2 started no instance: ${answer.slice(0, 500)}`)
  return id
}

/** Waits until the sources of the account were collected: by the event of the connection, the queues and their functions. */
export async function collected(user: Ask, accountId: string): Promise<Syncs> {
  const until = Date.now() + patienceMs
  for (;;) {
    const syncs = await user<Syncs>('GET', `/v1/cloud-accounts/${accountId}/syncs`, 200)
    const isLooked = syncs.sources.length > 0 && syncs.sources.every((source) => source.looked_at !== null)
    if (isLooked) return syncs
    if (Date.now() > until) throw new Error(`The account was not collected: ${JSON.stringify(syncs)}`)
    await sleep(1000)
  }
}

/** The collected machine stands among the resources, with its tag. */
export async function findInstance(user: Ask, instanceId: string): Promise<void> {
  const path = '/v1/resources/compute?filter%5Btag%3Ateam%5D=rehearsal'
  const { resources } = await user<{ resources: { id: string; type: string; status: string }[] }>('GET', path, 200)
  const found = resources.map(({ id, type, status }) => `${id} ${type} ${status}`)
  if (found.join() !== `${instanceId} ${instanceType} running`)
    throw new Error(`The resources are ${JSON.stringify(found)}`)
}
