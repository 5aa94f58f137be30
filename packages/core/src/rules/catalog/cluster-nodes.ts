import * as Money from '../../kernel/money.ts'
import type { UtilizationMetric } from '../../kernel/resource.ts'
import { rule, type Rule, type SavingBasis } from '../rule.ts'
import { ours } from '../sources.ts'
import { clusterOf, type Subject } from '../subject.ts'
import { missingWords, rounded } from './quiet.ts'
import { resizing } from './resize.ts'

/** Of all nodes of the cluster: the shares in use, and those that pods have reserved. */
const measured = ['cpu', 'memory', 'cpu_reserved', 'memory_reserved'] as const satisfies UtilizationMetric[]

/** One node may fail. */
const fewest = 2

/** The nodes that the managed node groups want; undefined if a group does not tell it. */
function wantedNodes({ configuration }: Subject): number | undefined {
  const groups = configuration['nodegroups']
  if (!Array.isArray(groups) || groups.length === 0) return undefined
  const sizes = groups.map((group: { scalingConfig?: { desiredSize?: unknown } }) => group.scalingConfig?.desiredSize)
  const known = sizes.filter((size) => typeof size === 'number')
  return known.length === sizes.length ? known.reduce((sum, size) => sum + size, 0) : undefined
}

/** A share of what the nodes cost beyond their commitments; the fee of the cluster stays. */
function shareOf(nodes: readonly Subject[], share: number, currency: string | undefined): SavingBasis {
  const parts = nodes.flatMap(({ cost }) => (cost?.currency === currency ? (cost?.parts ?? []) : []))
  const compute = parts.filter(({ part }) => part === 'compute')
  if (compute.length === 0) return { kind: 'unknown', why: 'the bills do not name the cost of the nodes' }
  const free = Money.sum(compute.map(({ cost, covered }) => Money.parse(cost).minus(covered?.cost ?? '0')))
  const ratio = Money.parse(share.toFixed(6))
  const how = `${Money.plain(ratio.times(100).round(1))} % of compute of ${nodes.length} nodes`
  return { kind: 'computed', amount: Money.plain(free.times(ratio)), how }
}

export const clusterNodes: Rule = rule({
  ...resizing,
  id: 'aws-cluster-oversized',
  finds: 'EKS cluster whose node groups have more nodes than their pods need',
  clouds: ['aws'],
  kinds: ['cluster'],
  needs: ['instance'],
  restartNeeded: false,
  undo: 'Raise the number of nodes again.',
  thresholds: {
    percent: ours(80, '% CPU and memory, in use and reserved by pods, of the remaining nodes', 'containerInsights'),
  },
  find: (subject, { limit, usersOf }) => {
    const wanted = subject.type === 'eks' ? wantedNodes(subject) : undefined
    if (wanted === undefined || wanted <= fewest) return undefined
    const nodes = usersOf(clusterOf(subject))
      .filter(({ kind, status }) => kind === 'instance' && status === 'running')
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    // Karpenter and people add nodes that no group wants, and metrics of the cluster count them too.
    if (nodes.some(({ tags }) => tags?.['eks:nodegroup-name'] === undefined)) return undefined
    const levels = measured.map((metric) => [metric, subject.utilization?.[metric]] as const)
    const known = levels.flatMap(([, level]) => level?.p99 ?? [])
    const needed = Math.max(fewest, Math.ceil((wanted * Math.max(0, ...known)) / limit.percent))
    if (needed >= wanted) return undefined
    const unknown = levels.filter(([, level]) => level?.p99 === undefined)
    if (unknown.length > 0)
      return {
        missing: unknown.map(([metric, level]) => missingWords(metric, level).replace(':', ' (Container Insights):')),
      }
    return {
      evidence: Object.fromEntries(levels.map(([metric, level]) => [`${metric}P99`, rounded(level?.p99 ?? 0)])),
      change: { action: 'lower the number of nodes', from: `${wanted} nodes`, to: `${needed} nodes` },
      saving: shareOf(nodes, (wanted - needed) / wanted, subject.cost?.currency),
      confidence: {
        level: 'medium',
        reason: 'the mean of all nodes hides an uneven load, and an autoscaler may have changed their number',
      },
      also: nodes,
      isGroup: true,
    }
  },
})
