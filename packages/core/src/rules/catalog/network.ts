import type { Cloud } from '../../kernel/cloud.ts'
import * as Money from '../../kernel/money.ts'
import { type Answer, type Confidence, rule, type Rule } from '../rule.ts'
import { ours, type sources, threshold } from '../sources.ts'
import { numberOf, type Part, type Subject, textOf } from '../subject.ts'
import { gatewayEndpoint } from './gateway-endpoint.ts'
import { idle } from './idle.ts'
import { quiet } from './quiet.ts'

const common = {
  analyzer: 'network_optimization',
  windowDays: 14,
  effort: 'low',
  risk: 'low',
  restartNeeded: false,
  rollbackPossible: true,
} as const
const stopsAll = { kind: 'stops_cost', parts: 'all' } as const

const addressFields = ['PublicIp', 'address', 'ipAddress']

function unusedAddress(cloud: Cloud, id: string, finds: string, source: keyof typeof sources): Rule {
  return rule({
    ...common,
    id,
    finds,
    clouds: [cloud],
    kinds: ['address'],
    rollbackPossible: false,
    undo: 'None: another address is assigned. Allow-lists with the old one must change.',
    thresholds: { users: threshold(0, 'users', source) },
    find: (subject) =>
      subject.attachedTo !== undefined || subject.status === 'in-use' || subject.type === 'INTERNAL'
        ? undefined
        : {
            evidence: {
              address: addressFields.map((field) => textOf(subject, field)).find((text) => text !== undefined) ?? '',
            },
            change: { action: 'release', from: 'unused', to: 'released' },
            saving: stopsAll,
            confidence: { level: 'high', reason: 'the inventory shows no user' },
          },
  })
}

const backendFields = ['backendIPConfigurations', 'loadBalancerBackendAddresses', 'backendAddresses']

const shown: Confidence = { level: 'high', reason: 'the inventory shows no backend' }

function withoutBackend(subject: Subject, action: string, backends: number | undefined, confidence = shown): Answer {
  if (backends === undefined) return { missing: ['backends'] }
  if (backends > 0) return undefined
  return {
    evidence: { backends, type: subject.type ?? '' },
    change: { action, from: 'without backend', to: 'deleted' },
    saving: stopsAll,
    confidence,
  }
}

interface TargetGroup {
  Targets?: unknown[]
}

/** A Classic Load Balancer has instances. */
function targetsOf({ configuration }: Subject): number | undefined {
  const { Instances: instances, TargetGroups: groups } = configuration
  if (Array.isArray(instances)) return instances.length
  return Array.isArray(groups)
    ? groups.reduce((count: number, { Targets = [] }: TargetGroup) => count + Targets.length, 0)
    : undefined
}

function transfer(id: string, part: Part, finds: string, to: string): Rule {
  return rule({
    ...common,
    id,
    finds,
    clouds: ['aws', 'azure', 'gcp'],
    kinds: ['instance', 'database', 'cache', 'load_balancer', 'nat_gateway', 'container_service'],
    effort: 'high',
    risk: 'medium',
    undo: 'Move back.',
    thresholds: {
      share: ours(20, '% of the cost of the resource', 'transfer'),
      cost: ours(50, 'units of the currency a month', 'transfer'),
    },
    find: ({ cost }, { limit }) => {
      const own = Money.sum(
        (cost?.parts ?? []).filter((each) => each.part === part).map((each) => Money.parse(each.cost)),
      )
      const all = Money.sum((cost?.parts ?? []).map((each) => Money.parse(each.cost)))
      if (own.lt(limit.cost) || Money.percentOf(own, all) < limit.share) return undefined
      return {
        evidence: { transferCost: Money.plain(own.round(2)), sharePercent: Money.percentOf(own, all) },
        change: { action: 'move what talks to each other together', from: 'apart', to },
        saving: { kind: 'unknown', why: 'the bills do not say with what the resource talks' },
        confidence: { level: 'low', reason: 'a second zone or region may be wanted for its availability' },
      }
    },
  })
}

export const networkRules: readonly Rule[] = [
  unusedAddress('aws', 'aws-address-unused', 'Elastic IP address that nothing uses', 'trustedAdvisor'),
  unusedAddress('azure', 'azure-address-unused', 'Public IP address that nothing uses', 'advisor'),
  unusedAddress('gcp', 'gcp-address-unused', 'Reserved external IP address that nothing uses', 'gcpIdleResources'),
  rule({
    ...common,
    id: 'aws-load-balancer-idle',
    finds: 'Load balancer without targets, or almost without requests',
    clouds: ['aws'],
    kinds: ['load_balancer'],
    undo: 'Create the load balancer again; its DNS name changes.',
    thresholds: {
      // Trusted Advisor says it of Classic Load Balancers; the choice for others is ours.
      requests: ours(100 / 24, 'requests an hour, 100 a day', 'trustedAdvisor'),
      connections: ours(1, 'connections of a network load balancer', 'trustedAdvisor'),
    },
    find: (subject, { limit }) => {
      const targets = targetsOf(subject)
      // An application load balancer can answer by itself: a redirect needs no target.
      if (targets === 0 && subject.type === 'network') return withoutBackend(subject, 'delete', targets)
      const answer = quiet(
        subject.utilization,
        subject.type === 'network'
          ? [{ metric: 'connections', below: limit.connections, isEver: true }]
          : [
              { metric: 'requests', below: limit.requests },
              // An hour with the requests of a day may be the work of a week.
              { metric: 'requests', below: limit.requests * 24, isEver: true },
            ],
      )
      if ('busy' in answer || !['application', 'network', 'classic'].includes(subject.type ?? '')) return undefined
      const reason = 'no target is registered; requests that it answers by itself are not known'
      const confidence: Confidence = subject.type === 'classic' ? shown : { level: 'medium', reason }
      if ('missing' in answer) return targets === 0 ? withoutBackend(subject, 'delete', targets, confidence) : answer
      return {
        evidence: { ...answer.evidence, targets: targets ?? 'unknown' },
        change: { action: 'delete', from: subject.status, to: 'deleted' },
        saving: stopsAll,
        confidence: { level: 'high', reason: 'its use in 14 days stayed below the thresholds' },
      }
    },
  }),
  idle({
    id: 'aws-nat-gateway-idle',
    analyzer: 'network_optimization',
    cloud: 'aws',
    kind: 'nat_gateway',
    finds: 'NAT gateway without connections',
    action: 'delete',
    confidence: { level: 'medium', reason: 'nothing used it in 14 days; Compute Optimizer looks at 32' },
    undo: 'Create the gateway again, and its routes.',
    thresholds: {
      connections: threshold(1, 'connections', 'computeOptimizer'),
      bytes: threshold(1, 'bytes an hour', 'computeOptimizer'),
    },
    conditions: ({ status }, { connections, bytes }) =>
      status === 'available'
        ? [
            { metric: 'connections', below: connections, isEver: true },
            { metric: 'network_out', below: bytes, isEver: true },
          ]
        : undefined,
  }),
  gatewayEndpoint,
  rule({
    ...common,
    id: 'azure-load-balancer-without-backend',
    finds: 'Load balancer without a backend',
    clouds: ['azure'],
    kinds: ['load_balancer'],
    undo: 'Create the load balancer again.',
    thresholds: { backends: threshold(0, 'backends', 'advisor') },
    find: (subject) => {
      // A basic load balancer costs nothing; inbound NAT rules need no pool.
      if (subject.type === 'Basic' || (numberOf(subject, 'inboundNatRules') ?? 0) > 0) return undefined
      const known = backendFields.map((field) => numberOf(subject, field)).filter((count) => count !== undefined)
      const backends = known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0)
      const isGateway = subject.id.toLowerCase().includes('/applicationgateways/')
      return withoutBackend(subject, isGateway ? 'delete the application gateway' : 'delete', backends)
    },
  }),
  idle({
    id: 'azure-nat-gateway-idle',
    analyzer: 'network_optimization',
    cloud: 'azure',
    kind: 'nat_gateway',
    finds: 'NAT gateway without traffic',
    action: 'delete',
    undo: 'Create the gateway again.',
    thresholds: { bytes: threshold(1, 'bytes an hour', 'advisor') },
    conditions: (_, { bytes }) => [{ metric: 'network_out', below: bytes, isEver: true }],
  }),
  transfer('transfer-between-zones', 'transfer_zone', 'Resource whose transfer between zones costs much', 'one zone'),
  transfer(
    'transfer-between-regions',
    'transfer_region',
    'Resource whose transfer between regions costs much',
    'one region',
  ),
]
