import type * as ElbSdk from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Listener, LoadBalancer, Rule, SubnetMapping, Tag } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { ActionState, TagsByKey } from '@cloudoptima/core'
import { inTurns } from '../../collect/concurrent.ts'
import { pick } from '../collect/inventory/row.ts'
import type { Reader } from '../collect/reader.ts'
import { found } from './account.ts'
import { ownTags } from './hindrance.ts'

/** Elastic Load Balancing (application and network) in one region of an account. */
export interface Elb {
  sdk: typeof ElbSdk
  client: ElbSdk.ElasticLoadBalancingV2Client
}

export async function elbIn(account: Reader, region: string): Promise<Elb> {
  const sdk = await import('@aws-sdk/client-elastic-load-balancing-v2')
  return { sdk, client: account.client('elasticloadbalancing', sdk.ElasticLoadBalancingV2Client, region) }
}

/** All that makes a load balancer again. Target groups are resources of their own. */
export type Definition = Pick<LoadBalancer, (typeof kept)[number]> & {
  SubnetMappings: SubnetMapping[]
  Attributes: Record<string, string>
  Tags: TagsByKey
  Listeners: ListenerDefinition[]
}

export interface ListenerDefinition extends Listener {
  /** In addition to its default certificate. */
  MoreCertificates: string[]
  Attributes: Record<string, string>
  Tags: TagsByKey
  Rules: RuleDefinition[]
}

export interface RuleDefinition extends Pick<Rule, 'Priority' | 'Conditions' | 'Actions' | 'Transforms'> {
  Tags: TagsByKey
}

const kept = [
  ...(['LoadBalancerName', 'Type', 'Scheme', 'IpAddressType', 'SecurityGroups', 'CustomerOwnedIpv4Pool'] as const),
  ...(['EnablePrefixForIpv6SourceNat', 'EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic', 'IpamPools'] as const),
] as const

export async function balancerOf(
  { sdk, client }: Elb,
  by: { LoadBalancerArns: string[] } | { Names: string[] },
): Promise<LoadBalancer | undefined> {
  const answer = await found(async () => await client.send(new sdk.DescribeLoadBalancersCommand(by)))
  return answer?.LoadBalancers?.[0]
}

export async function definitionOf(elb: Elb, balancer: LoadBalancer): Promise<Definition> {
  const { sdk, client } = elb
  const { LoadBalancerArn = '', AvailabilityZones = [] } = balancer
  const pages = await Array.fromAsync(sdk.paginateDescribeListeners({ client }, { LoadBalancerArn }))
  const listeners = pages.flatMap(({ Listeners = [] }) => Listeners)
  const { Attributes } = await client.send(new sdk.DescribeLoadBalancerAttributesCommand({ LoadBalancerArn }))
  const defined = await inTurns(listeners, 2, async (listener) => await listenerOf(elb, balancer, listener))
  return {
    ...pick(balancer, ...kept),
    SubnetMappings: AvailabilityZones.flatMap(mappingsOf).toSorted(byText(({ SubnetId }) => SubnetId)),
    Attributes: recordOf(Attributes),
    Tags: ownTags({ Tags: (await tagsOf(elb, [LoadBalancerArn])).get(LoadBalancerArn) }),
    Listeners: defined.toSorted((a, b) => (a.Port ?? 0) - (b.Port ?? 0) || order(a.Protocol, b.Protocol)),
  }
}

/** The state without the ARNs of listeners, which an undo changes. */
export const stateOf = (definition: Definition): ActionState =>
  JSON.parse(
    JSON.stringify(definition, (key, value: unknown) => (key === 'ListenerArn' ? undefined : value)),
  ) as ActionState

async function listenerOf(elb: Elb, balancer: LoadBalancer, listener: Listener): Promise<ListenerDefinition> {
  const { sdk, client } = elb
  const { LoadBalancerArn: _, ...own } = listener
  const { ListenerArn = '', Protocol, Certificates = [] } = own
  const { Attributes } = await client.send(new sdk.DescribeListenerAttributesCommand({ ListenerArn }))
  const isSecure = Protocol === 'HTTPS' || Protocol === 'TLS'
  const certificates = isSecure
    ? await Array.fromAsync(sdk.paginateDescribeListenerCertificates({ client }, { ListenerArn }))
    : []
  const standard = new Set(Certificates.map(({ CertificateArn }) => CertificateArn))
  const MoreCertificates = certificates
    .flatMap((page) => page.Certificates ?? [])
    .flatMap(({ CertificateArn, IsDefault }) =>
      CertificateArn === undefined || IsDefault || standard.has(CertificateArn) ? [] : CertificateArn,
    )
  // Other kinds of load balancers have no rules.
  const pages =
    balancer.Type === 'application' ? await Array.fromAsync(sdk.paginateDescribeRules({ client }, { ListenerArn })) : []
  const rules = pages.flatMap(({ Rules = [] }) => Rules).filter(({ IsDefault }) => !IsDefault)
  const tags = await tagsOf(elb, [ListenerArn, ...rules.flatMap(({ RuleArn }) => RuleArn ?? [])])
  const Rules = rules.map(({ RuleArn = '', ...rule }) => ({
    ...pick(rule, 'Priority', 'Conditions', 'Actions', 'Transforms'),
    Tags: ownTags({ Tags: tags.get(RuleArn) }),
  }))
  return {
    ...own,
    MoreCertificates: MoreCertificates.toSorted(),
    Attributes: recordOf(Attributes),
    Tags: ownTags({ Tags: tags.get(ListenerArn) }),
    Rules: Rules.toSorted((a, b) => Number(a.Priority) - Number(b.Priority)),
  }
}

/** The addresses that AWS has chosen are not part of the definition. */
function mappingsOf({
  SubnetId,
  LoadBalancerAddresses,
  SourceNatIpv6Prefixes,
}: ElbSdk.AvailabilityZone): SubnetMapping[] {
  const [address] = LoadBalancerAddresses ?? []
  const [SourceNatIpv6Prefix] = SourceNatIpv6Prefixes ?? []
  const given = address && pick(address, 'AllocationId', 'PrivateIPv4Address', 'IPv6Address')
  return [{ SubnetId, ...given, ...(SourceNatIpv6Prefix !== undefined && { SourceNatIpv6Prefix }) }]
}

/** Of DescribeTags. */
const mostArns = 20

/** Also those that AWS sets itself. */
export async function tagsOf({ sdk, client }: Elb, arns: readonly string[]): Promise<Map<string, Tag[]>> {
  const batches = Array.from({ length: Math.ceil(arns.length / mostArns) }, (_, n) =>
    arns.slice(n * mostArns, (n + 1) * mostArns),
  )
  const answers = await inTurns(
    batches,
    2,
    async (ResourceArns) => await client.send(new sdk.DescribeTagsCommand({ ResourceArns })),
  )
  const described = answers.flatMap(({ TagDescriptions = [] }) => TagDescriptions)
  return new Map(described.map(({ ResourceArn = '', Tags = [] }) => [ResourceArn, Tags]))
}

export const tagList = (tags: TagsByKey): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

function recordOf(attributes: readonly { Key?: string | undefined; Value?: string | undefined }[] = []) {
  return Object.fromEntries(attributes.map(({ Key = '', Value = '' }) => [Key, Value]))
}

const order = (a = '', b = '') => a.localeCompare(b)
const byText =
  <Item>(textOf: (item: Item) => string | undefined) =>
  (a: Item, b: Item) =>
    order(textOf(a), textOf(b))
