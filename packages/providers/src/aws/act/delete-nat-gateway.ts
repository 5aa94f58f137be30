import type { NatGateway } from '@aws-sdk/client-ec2'
import type { ActionOrder, ActionPlan, ActionState, ActionStep, CloudAction, TagsByKey } from '@cloudoptima/core'
import { differences, done, goingOn, refused, textIn } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In, rehearsal } from './account.ts'
import { hindranceOf, notesOf, ownTags, tagsIn } from './hindrance.ts'
import { destinationOf, gatewayOf, type GatewayRoute, nameOfRoute, routesIn, stateOf, tablesOf } from './nat-gateway.ts'
import { isOfOrder, lostTags, mostTags, orderFilter, orderTag, renamed, shortId, tagsFor } from './order.ts'

/** The action `delete-nat-gateway`: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html */
export function deleteNatGateway(account: Reader): CloudAction {
  const at = async ({ region }: { region: string }) => await ec2In(account, region)
  const readState: CloudAction['readState'] = async (target) => {
    const ec2 = await at(target)
    const gateway = await gatewayOf(ec2, shortId(target.id))
    return gateway && (await stateOf(ec2, gateway))
  }
  return {
    readState,
    tags: async (target) => tagsIn(await gatewayOf(await at(target), shortId(target.id))),
    async plan({ target, before }) {
      const ec2 = await at(target)
      const gateway = await gatewayOf(ec2, shortId(target.id))
      return gateway ? await planOf(ec2, gateway, before) : 'done already'
    },
    act: async (order) => await removed(await at(order.target), order),
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async (order) => await restored(await at(order.target), order),
    restored: ({ target, memory }) => renamed(target, target.id, memory['natGatewayId']),
  }
}

const routesOf = (state: ActionState): GatewayRoute[] => (state['Routes'] ?? []) as unknown as GatewayRoute[]

async function planOf({ sdk, client }: Ec2, gateway: NatGateway, before: ActionState): Promise<ActionPlan> {
  const { NatGatewayId, AvailabilityMode, State } = gateway
  const refusal = hindranceOf(gateway)
  if (refusal !== undefined) return { refusal }
  if (State !== 'available') return { refusal: `It is ${State}. Try again when it is available.` }
  if (AvailabilityMode === 'regional')
    return { refusal: 'It serves all zones of its network, and its undo could not make it again. Delete it yourself.' }
  if (Object.keys(ownTags(gateway)).length >= mostTags)
    return { refusal: `It has ${mostTags} tags, and its undo needs one more. Remove a tag first.` }
  const asked = { NatGatewayId, DryRun: true }
  const rehearsed = await rehearsal(async () => await client.send(new sdk.DeleteNatGatewayCommand(asked)))
  if (rehearsed.refusal !== undefined) return { refusal: rehearsed.refusal }
  const { length } = routesOf(before)
  return {
    after: null,
    undo: 'partial',
    lost: ['the id of the NAT gateway', 'its private IP address', ...lostTags(gateway)],
    losesData: null,
    notes: [
      ...(length === 0 ? [] : [`${length} routes lead to it. They stay, and drop what they carry.`]),
      'Its Elastic IP addresses stay, and go on costing.',
      ...notesOf(gateway),
      ...rehearsed.notes,
    ],
  }
}

async function removed(ec2: Ec2, { target, memory }: ActionOrder): Promise<ActionStep> {
  const { sdk, client } = ec2
  const gateway = await gatewayOf(ec2, shortId(target.id))
  if (!gateway) return done(memory)
  const { NatGatewayId, State } = gateway
  if (State !== 'available' && State !== 'failed') return goingOn(memory, 30, `The NAT gateway is ${State}.`)
  return await changing(memory, async () => {
    await client.send(new sdk.DeleteNatGatewayCommand({ NatGatewayId }))
    return goingOn(memory, 30, 'The NAT gateway is being deleted.')
  })
}

/** The way back: a gateway with the same addresses, then its routes, each alone. */
async function restored(ec2: Ec2, order: ActionOrder): Promise<ActionStep> {
  const { target, token, memory, before } = order
  const old = await gatewayOf(ec2, shortId(target.id))
  if (old) return old.State === 'available' ? done(memory) : goingOn(memory, 30, `The old NAT gateway is ${old.State}.`)
  const id = textIn(memory, 'natGatewayId')
  const gateway = id === '' ? await gatewayOfOrder(ec2, token) : await gatewayOf(ec2, id)
  if (!gateway)
    return id === '' ? await create(ec2, order) : refused(memory, `Somebody has deleted the new NAT gateway ${id}.`)
  const { NatGatewayId = '', State, FailureMessage = '' } = gateway
  const known = { ...memory, natGatewayId: NatGatewayId }
  // The gateway is known by its tag alone, until its id is stored.
  if (id === '') return goingOn(known, 0, `The NAT gateway ${NatGatewayId} is made.`)
  if (State === 'failed')
    return refused(known, `AWS could not make the NAT gateway: ${FailureMessage} Make it by hand, and its routes.`)
  if (State !== 'available') return goingOn(known, 30, `The NAT gateway ${NatGatewayId} is ${State}.`)
  const rerouted = await nextRoute(ec2, order, NatGatewayId)
  if (rerouted) return rerouted
  if (!isOfOrder(gateway, token) || orderTag in ((before['Tags'] ?? {}) as TagsByKey)) return done(known)
  return await changing(known, async () => {
    const given = { Resources: [NatGatewayId], Tags: [{ Key: orderTag }] }
    await ec2.client.send(new ec2.sdk.DeleteTagsCommand(given))
    return goingOn(known, 1, `The NAT gateway ${NatGatewayId} is as the old one was.`)
  })
}

async function gatewayOfOrder({ sdk, client }: Ec2, token: string): Promise<NatGateway | undefined> {
  const states = { Name: 'state', Values: ['pending', 'available', 'failed'] }
  const asked = { Filter: [orderFilter(token), states] }
  const { NatGateways = [] } = await client.send(new sdk.DescribeNatGatewaysCommand(asked))
  return NatGateways.find((gateway) => isOfOrder(gateway, token))
}

async function create({ sdk, client }: Ec2, { before, token, memory }: ActionOrder): Promise<ActionStep> {
  const [AllocationId] = (before['AllocationIds'] ?? []) as string[]
  const SecondaryAllocationIds = (before['SecondaryAllocationIds'] ?? []) as string[]
  const given = {
    ClientToken: token,
    SubnetId: textIn(before, 'SubnetId'),
    ConnectivityType: textIn(before, 'ConnectivityType') === 'private' ? ('private' as const) : ('public' as const),
    AllocationId,
    ...(SecondaryAllocationIds.length > 0 && { SecondaryAllocationIds }),
    TagSpecifications: tagsFor('natgateway', (before['Tags'] ?? {}) as TagsByKey, token),
  }
  return await changing(memory, async () => {
    const { NatGateway: made } = await client.send(new sdk.CreateNatGatewayCommand(given))
    return goingOn(memory, 30, `The NAT gateway ${made?.NatGatewayId} is made.`)
  })
}

/** Routes that lead elsewhere by now stay so. */
async function nextRoute(ec2: Ec2, { target, before, memory }: ActionOrder, NatGatewayId: string) {
  const { sdk, client } = ec2
  const wanted = routesOf(before)
  const tables = [...new Set(wanted.map(({ RouteTableId }) => RouteTableId))]
  if (tables.length === 0) return undefined
  const now = new Map(routesIn(await tablesOf(ec2, { RouteTableIds: tables })).map((one) => [nameOfRoute(one), one]))
  const next = wanted.find((route) => {
    const current = now.get(nameOfRoute(route))
    return !current || current.NatGatewayId === shortId(target.id)
  })
  if (!next) return undefined
  const given = { ...next, NatGatewayId }
  return await changing(memory, async () => {
    await client.send(
      now.has(nameOfRoute(next)) ? new sdk.ReplaceRouteCommand(given) : new sdk.CreateRouteCommand(given),
    )
    return goingOn(memory, 0, `The route to ${destinationOf(next)} leads to the NAT gateway.`)
  })
}
