import type { Address } from '@aws-sdk/client-ec2'
import type { ActionOrder, ActionPlan, ActionState, ActionStep, ActionTarget, CloudAction } from '@cloudoptima/core'
import type { TagsByKey } from '@cloudoptima/core'
import { differences, done, goingOn, refused, textIn } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In, found, rehearsal } from './account.ts'
import { hindranceOf, notesOf, ownTags, tagsIn } from './hindrance.ts'
import { isOfOrder, lostTags, mostTags, orderFilter, orderTag, renamed, shortId, tagsFor } from './order.ts'

/** The action `release-address`: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing-eips-releasing.html */
export function releaseAddress(account: Reader): CloudAction {
  const at = async ({ region }: { region: string }) => await ec2In(account, region)
  const readState: CloudAction['readState'] = async (target) => {
    const address = await addressOf(await at(target), shortId(target.id))
    return address && stateOf(address)
  }
  return {
    readState,
    tags: async (target) => tagsIn(await addressOf(await at(target), shortId(target.id))),
    plan: async ({ target }) => await planOf(await at(target), target),
    act: async (order) => await released(await at(order.target), order),
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async (order) => await allocated(await at(order.target), order),
    restored: ({ target, memory, before }) => {
      const moved = renamed(target, target.id, memory['allocationId'])
      const [from, to] = [textIn(before, 'PublicIp'), textIn(memory, 'publicIp')]
      return to === '' ? moved : { ...moved, aliases: (moved.aliases ?? []).map((name) => (name === from ? to : name)) }
    },
  }
}

async function addressOf({ sdk, client }: Ec2, id: string): Promise<Address | undefined> {
  const asked = { AllocationIds: [id] }
  const answer = await found(async () => await client.send(new sdk.DescribeAddressesCommand(asked)))
  return answer?.Addresses?.[0]
}

function stateOf(address: Address): ActionState {
  const { PublicIp = '', NetworkBorderGroup, AssociationId } = address
  return {
    PublicIp,
    ...(NetworkBorderGroup !== undefined && { NetworkBorderGroup }),
    ...(AssociationId !== undefined && { AssociationId }),
    Tags: ownTags(address),
  }
}

async function planOf(ec2: Ec2, target: ActionTarget): Promise<ActionPlan> {
  const { sdk, client } = ec2
  const address = await addressOf(ec2, shortId(target.id))
  if (!address) return 'done already'
  const { AllocationId, PublicIp } = address
  const refusal = hindranceOf(address) ?? unreleasable(address)
  if (refusal !== undefined) return { refusal }
  const rehearsed = await rehearsal(
    async () => await client.send(new sdk.ReleaseAddressCommand({ AllocationId, DryRun: true })),
  )
  if (rehearsed.refusal !== undefined) return { refusal: rehearsed.refusal }
  const lost = [
    'the id of the allocation',
    ...lostTags(address),
    `the address ${PublicIp}, once AWS gives it to others`,
  ]
  return { after: null, undo: 'partial', lost, losesData: null, notes: [...notesOf(address), ...rehearsed.notes] }
}

function unreleasable(address: Address): string | undefined {
  const { AssociationId, InstanceId, NetworkInterfaceId, PublicIpv4Pool = 'amazon', ServiceManaged } = address
  if (AssociationId !== undefined)
    return `It is associated with ${InstanceId || NetworkInterfaceId}. Disassociate it first.`
  if (ServiceManaged !== undefined) return `It is managed by the service ${ServiceManaged}. Release it there.`
  if (PublicIpv4Pool !== 'amazon') return 'It is of your own address pool, and so it costs nothing.'
  if (Object.keys(ownTags(address)).length >= mostTags)
    return `It has ${mostTags} tags, and its undo needs one more. Remove a tag first.`
  return undefined
}

async function released(ec2: Ec2, { target, memory }: ActionOrder): Promise<ActionStep> {
  const { sdk, client } = ec2
  const AllocationId = shortId(target.id)
  const address = await addressOf(ec2, AllocationId)
  if (!address) return done(memory)
  const refusal = unreleasable(address)
  if (refusal !== undefined) return refused(memory, refusal)
  return await changing(memory, async () => {
    await client.send(new sdk.ReleaseAddressCommand({ AllocationId }))
    return goingOn(memory, 1, `The address ${address.PublicIp} is released.`)
  })
}

/** The way back: the same address if AWS still has it, another one if not. */
async function allocated(ec2: Ec2, order: ActionOrder): Promise<ActionStep> {
  const { target, token, memory } = order
  if (await addressOf(ec2, shortId(target.id))) return done(memory)
  const id = textIn(memory, 'allocationId')
  const address = id === '' ? await addressOfOrder(ec2, token) : await addressOf(ec2, id)
  if (!address)
    return id === '' ? await allocate(ec2, order) : refused(memory, `Somebody has released the new address ${id}.`)
  const { AllocationId = '', PublicIp = '' } = address
  const known = { ...memory, allocationId: AllocationId, publicIp: PublicIp }
  // The address is known by its tag alone, until its id is stored.
  if (id === '') return goingOn(known, 0, `The address ${PublicIp} is allocated.`)
  if (!isOfOrder(address, token)) return done(known)
  return await changing(known, async () => {
    const given = { Resources: [AllocationId], Tags: [{ Key: orderTag }] }
    await ec2.client.send(new ec2.sdk.DeleteTagsCommand(given))
    return goingOn(known, 1, `The address ${PublicIp} is as it was.`)
  })
}

async function addressOfOrder({ sdk, client }: Ec2, token: string): Promise<Address | undefined> {
  const { Addresses = [] } = await client.send(new sdk.DescribeAddressesCommand({ Filters: [orderFilter(token)] }))
  return Addresses.find((address) => isOfOrder(address, token))
}

async function allocate({ sdk, client }: Ec2, { before, token, memory }: ActionOrder): Promise<ActionStep> {
  const group = textIn(before, 'NetworkBorderGroup')
  const wantsSame = memory['isTaken'] !== true
  const given = {
    Domain: 'vpc' as const,
    ...(wantsSame && { Address: textIn(before, 'PublicIp') }),
    ...(group !== '' && { NetworkBorderGroup: group }),
    TagSpecifications: tagsFor('elastic-ip', (before['Tags'] ?? {}) as TagsByKey, token),
  }
  return await changing(
    memory,
    async () => {
      const { PublicIp = '' } = await client.send(new sdk.AllocateAddressCommand(given))
      return goingOn(memory, 1, `The address ${PublicIp} is allocated.`)
    },
    ({ awsCode, isSilent, code }) => {
      const isRefused = code === 'conflict' && !isSilent && awsCode !== 'AddressLimitExceeded'
      const says = `AWS does not have the address ${given.Address ?? ''} any more. Another one is allocated.`
      return wantsSame && isRefused ? goingOn({ ...memory, isTaken: true }, 0, says) : undefined
    },
  )
}
