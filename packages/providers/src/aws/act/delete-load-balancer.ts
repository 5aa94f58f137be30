import type { LoadBalancer, Tag } from '@aws-sdk/client-elastic-load-balancing-v2'
import { type ActionPlan, type CloudAction, Fault } from '@cloudoptima/core'
import { differences, done, goingOn, textIn } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing } from './account.ts'
import { hindranceOf, notesOf } from './hindrance.ts'
import { balancerOf, type Definition, definitionOf, elbIn, stateOf, tagsOf } from './load-balancer.ts'
import { lostTags, mostTags } from './order.ts'
import { restoreLoadBalancer } from './restore-load-balancer.ts'

/** The ARN of a Classic Load Balancer ends with its name; the ends of others have parts. */
const isClassic = (arn: string): boolean => /:loadbalancer\/[^/]+$/.test(arn)

/** The action `delete-load-balancer`, on an Application or Network Load Balancer. */
export function deleteLoadBalancer(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    if (isClassic(id)) throw new Fault('invalid', 'It is a Classic Load Balancer. Delete it yourself.')
    const elb = await elbIn(account, region)
    const balancer = await balancerOf(elb, { LoadBalancerArns: [id] })
    return balancer && stateOf(await definitionOf(elb, balancer))
  }
  return {
    readState,
    async plan({ target: { id, region } }) {
      const elb = await elbIn(account, region)
      const balancer = await balancerOf(elb, { LoadBalancerArns: [id] })
      if (!balancer) return 'done already'
      const Tags = (await tagsOf(elb, [id])).get(id) ?? []
      return planOf(balancer, await definitionOf(elb, balancer), Tags)
    },
    async act({ target: { id, region }, memory }) {
      const { sdk, client } = await elbIn(account, region)
      if (!(await balancerOf({ sdk, client }, { LoadBalancerArns: [id] }))) return done(memory)
      return await changing(memory, async () => {
        await client.send(new sdk.DeleteLoadBalancerCommand({ LoadBalancerArn: id }))
        return goingOn(memory, 5, 'The load balancer is deleted.')
      })
    },
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async (order) => await restoreLoadBalancer(await elbIn(account, order.target.region), order),
    restored({ target, memory }) {
      const id = textIn(memory, 'arn')
      return id === '' ? target : { ...target, id }
    },
  }
}

function planOf(balancer: LoadBalancer, definition: Definition, Tags: Tag[]): ActionPlan {
  const refusal = hindranceOf({ Tags }) ?? undeletable(definition)
  if (refusal !== undefined) return { refusal }
  const { SubnetMappings, Type } = definition
  const hasOwnAddresses = Type === 'network' && SubnetMappings.some(({ AllocationId }) => AllocationId === undefined)
  return {
    after: null,
    undo: 'partial',
    lost: [
      `the DNS name ${balancer.DNSName}`,
      'the ARN of the load balancer',
      ...lostTags({ Tags }),
      ...(hasOwnAddresses ? ['the IP addresses that AWS has chosen for it'] : []),
    ],
    losesData: null,
    notes: [
      'DNS records, web ACLs of AWS WAF and alarms that name the load balancer are not changed.',
      ...notesOf({ Tags }),
    ],
  }
}

function undeletable({ Attributes, Listeners, Tags, Type }: Definition): string | undefined {
  if (Type === 'gateway')
    return 'It is a Gateway Load Balancer, which endpoints of other networks may use. Delete it yourself.'
  if (Attributes['deletion_protection.enabled'] === 'true') return 'Its deletion protection is on. Switch it off first.'
  const actions = Listeners.flatMap(({ DefaultActions = [], Rules }) => [
    ...DefaultActions,
    ...Rules.flatMap(({ Actions = [] }) => Actions),
  ])
  if (actions.some((action) => action.Type?.startsWith('authenticate-')))
    return 'It signs users in with a secret that AWS does not tell, and so no undo could make it again. Delete it yourself.'
  if (Object.keys(Tags).length >= mostTags)
    return `It has ${mostTags} tags, and its undo needs one more. Remove a tag first.`
  return undefined
}
