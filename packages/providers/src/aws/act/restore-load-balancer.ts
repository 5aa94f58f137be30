import type { LoadBalancer, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { ActionOrder, ActionStep } from '@cloudoptima/core'
import { done, goingOn, refused, textIn } from '../../access/steps.ts'
import { changing } from './account.ts'
import {
  balancerOf,
  type Definition,
  definitionOf,
  type Elb,
  type ListenerDefinition,
  type RuleDefinition,
  tagList,
} from './load-balancer.ts'
import { orderTag } from './order.ts'

/** The next step that makes a deleted load balancer again: itself, its attributes, its listeners, their rules. */
export async function restoreLoadBalancer(elb: Elb, order: ActionOrder): Promise<ActionStep> {
  const { target, memory } = order
  if (await balancerOf(elb, { LoadBalancerArns: [target.id] })) return done(memory)
  const wanted = order.before as unknown as Definition
  const arn = textIn(memory, 'arn')
  if (arn === '') return await replaced(elb, order, wanted)
  const balancer = await balancerOf(elb, { LoadBalancerArns: [arn] })
  if (!balancer) return refused(memory, `Somebody has deleted the new load balancer ${arn}.`)
  const now = await definitionOf(elb, balancer)
  const change = changesTo(elb, arn, now, wanted).next().value
  if (change) return await changing(memory, async () => goingOn(memory, 0, await change()))
  return settled(balancer, order)
}

function settled({ State }: LoadBalancer, { memory }: ActionOrder): ActionStep {
  if (State?.Code === 'provisioning') return goingOn(memory, 30, 'The load balancer is being provisioned.')
  if (State?.Code === 'failed')
    return refused(
      memory,
      `AWS could not make the load balancer: ${State.Reason ?? ''} Delete it, and make it by hand.`,
    )
  return done(memory)
}

/** Names are unique in a region, so that another one of this name is none of ours. */
async function replaced(elb: Elb, order: ActionOrder, wanted: Definition): Promise<ActionStep> {
  const { sdk, client } = elb
  const { memory, token } = order
  const { LoadBalancerName: Name = '', Attributes: _, Listeners: __, Tags, ...shape } = wanted
  const known = await balancerOf(elb, { Names: [Name] })
  if (known) {
    const { Tags: own } = await definitionOf(elb, known)
    return own[orderTag] === token
      ? goingOn({ ...memory, arn: known.LoadBalancerArn ?? '' }, 0, 'The load balancer is made.')
      : refused(memory, `Another load balancer has the name ${Name}. Delete or rename it first.`)
  }
  const { EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: ___, SecurityGroups = [], ...rest } = shape
  const given = {
    ...rest,
    Name,
    // An empty list is refused.
    ...(SecurityGroups.length > 0 && { SecurityGroups }),
    Tags: tagList({ ...Tags, [orderTag]: token }),
  }
  return await changing(memory, async () => {
    await client.send(new sdk.CreateLoadBalancerCommand(given))
    return goingOn(memory, 5, `The load balancer ${Name} is made.`)
  })
}

type Change = () => Promise<string>

/** What a load balancer lacks, in the order in which it is made. */
function* changesTo(elb: Elb, arn: string, now: Definition, wanted: Definition): Generator<Change, undefined> {
  const { sdk, client } = elb
  const enforced = wanted.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic
  const attributes = missing(now.Attributes, wanted.Attributes)
  if (attributes.length > 0)
    yield async () => {
      const given = { LoadBalancerArn: arn, Attributes: attributes }
      await client.send(new sdk.ModifyLoadBalancerAttributesCommand(given))
      return 'The load balancer has its attributes.'
    }
  if (enforced !== undefined && enforced !== now.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic)
    yield async () => {
      const { SecurityGroups } = wanted
      const given = { LoadBalancerArn: arn, SecurityGroups }
      const rule = enforced === 'on' ? ('on' as const) : ('off' as const)
      const all = { ...given, EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: rule }
      await client.send(new sdk.SetSecurityGroupsCommand(all))
      return 'The load balancer has its rules for PrivateLink.'
    }
  for (const listener of wanted.Listeners) yield* changesOf(elb, arn, now, listener)
  if (orderTag in now.Tags && !(orderTag in wanted.Tags))
    yield async () => {
      await client.send(new sdk.RemoveTagsCommand({ ResourceArns: [arn], TagKeys: [orderTag] }))
      return 'The load balancer is as it was.'
    }
  return undefined
}

function* changesOf(elb: Elb, arn: string, now: Definition, wanted: ListenerDefinition): Generator<Change> {
  const { sdk, client } = elb
  const { Attributes, MoreCertificates, Rules, Tags, ...shape } = wanted
  const name = `The listener ${wanted.Protocol} ${wanted.Port}`
  const listener = now.Listeners.find(({ Port, Protocol }) => Port === wanted.Port && Protocol === wanted.Protocol)
  if (!listener) {
    const given = { ...shape, LoadBalancerArn: arn, DefaultActions: shape.DefaultActions ?? [], Tags: tagsOrNone(Tags) }
    yield async () => {
      await client.send(new sdk.CreateListenerCommand(given))
      return `${name} is made.`
    }
    return
  }
  const { ListenerArn } = listener
  const certificates = MoreCertificates.filter((certificate) => !listener.MoreCertificates.includes(certificate))
  if (certificates.length > 0)
    yield async () => {
      const given = { ListenerArn, Certificates: certificates.map((CertificateArn) => ({ CertificateArn })) }
      await client.send(new sdk.AddListenerCertificatesCommand(given))
      return `${name} has its certificates.`
    }
  const attributes = missing(listener.Attributes, Attributes)
  if (attributes.length > 0)
    yield async () => {
      await client.send(new sdk.ModifyListenerAttributesCommand({ ListenerArn, Attributes: attributes }))
      return `${name} has its attributes.`
    }
  for (const rule of Rules)
    if (!listener.Rules.some(({ Priority }) => Priority === rule.Priority))
      yield async () => {
        await client.send(new sdk.CreateRuleCommand(newRule(ListenerArn, rule)))
        return `${name} has the rule ${rule.Priority}.`
      }
}

function newRule(
  ListenerArn: string | undefined,
  { Priority, Conditions = [], Actions = [], Transforms, Tags }: RuleDefinition,
) {
  return {
    ListenerArn,
    Priority: Number(Priority),
    Conditions: Conditions.map(givenCondition),
    Actions,
    ...(Transforms?.length && { Transforms }),
    Tags: tagsOrNone(Tags),
  }
}

/** AWS answers the values of some conditions twice, and takes them once. */
function givenCondition(condition: RuleCondition): RuleCondition {
  const { Values: _, RegexValues: __, ...others } = condition
  return Object.keys(others).some((field) => field.endsWith('Config')) ? others : condition
}

/** An empty list is refused. */
const tagsOrNone = (tags: Definition['Tags']) => (Object.keys(tags).length === 0 ? undefined : tagList(tags))

function missing(now: Record<string, string>, wanted: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(wanted).flatMap(([Key, Value]) => (now[Key] === Value ? [] : { Key, Value }))
}
