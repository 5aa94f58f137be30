import { rule, type Rule, type Verdict } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { daysSince, numberOf, textOf } from '../subject.ts'
import { stoppedAt } from './stopped.ts'

const common = {
  analyzer: 'idle_resources',
  windowDays: 14,
  risk: 'medium',
  effort: 'low',
  restartNeeded: false,
  rollbackPossible: true,
} as const

/** Those that the inventory shows as unused, without metrics. */
export const unusedRules: readonly Rule[] = [
  rule({
    ...common,
    id: 'azure-plan-empty',
    finds: 'App Service plan without an app',
    clouds: ['azure'],
    kinds: ['container_service'],
    thresholds: { sites: threshold(0, 'apps', 'azureAppService') },
    risk: 'low',
    undo: 'Create the plan again.',
    find: (subject, { limit }) => {
      const sites = numberOf(subject, 'numberOfSites')
      const tier = textOf(subject, 'tier') ?? ''
      const isPlan = subject.id.toLowerCase().includes('/microsoft.web/serverfarms/')
      if (!isPlan || ['Free', 'Shared', 'Dynamic'].includes(tier)) return undefined
      if (sites === undefined) return { missing: ['number of apps'] }
      return sites > limit.sites ? undefined : unused({ apps: sites, tier }, 'delete the plan')
    },
  }),
  rule({
    ...common,
    id: 'azure-sql-pool-empty',
    finds: 'SQL elastic pool without a database',
    clouds: ['azure'],
    kinds: ['database'],
    needs: ['database'],
    thresholds: { databases: threshold(0, 'databases', 'azureElasticPool') },
    risk: 'low',
    undo: 'Create the pool again.',
    find: ({ id }, { limit, usersOf }) =>
      !id.toLowerCase().includes('/elasticpools/') || usersOf(id).length > limit.databases
        ? undefined
        : unused({ databases: 0 }, 'delete the pool'),
  }),
  rule({
    ...common,
    id: 'azure-instance-not-deallocated',
    finds: 'Virtual machine that is stopped but not deallocated, and is billed',
    clouds: ['azure'],
    kinds: ['instance'],
    windowDays: 1,
    thresholds: { states: threshold(1, 'billed state, stopped', 'azureStates') },
    undo: 'Start the virtual machine.',
    find: (subject) => {
      const state = textOf(subject, 'code')
      if (state === undefined) return subject.status === 'unknown' ? { missing: ['power state'] } : undefined
      if (state.toLowerCase() !== 'powerstate/stopped') return undefined
      return {
        ...unused({ powerState: state }, 'deallocate'),
        change: { action: 'deallocate', from: 'stopped', to: 'deallocated' },
        saving: { kind: 'stops_cost', parts: ['compute', 'license'] },
      }
    },
  }),
  rule({
    ...common,
    id: 'instance-stopped-long',
    finds: 'Instance that has been stopped for long, with its disks',
    clouds: ['aws', 'azure', 'gcp'],
    kinds: ['instance'],
    windowDays: 30,
    thresholds: { days: ours(30, 'days', 'custodian') },
    effort: 'medium',
    undo: 'Create the instance again from the image.',
    find: (subject, { now, limit, usersOf }) => {
      const isBilled = textOf(subject, 'code')?.toLowerCase() === 'powerstate/stopped'
      if (subject.status !== 'stopped' || isBilled) return undefined
      const stopped = daysSince(stoppedAt(subject), now)
      if (stopped === undefined) return { missing: ['since when it has been stopped'] }
      if (stopped < limit.days) return undefined
      const disks = usersOf(subject.id)
        .filter(({ kind }) => kind === 'volume')
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      return {
        also: disks,
        evidence: { stoppedDays: stopped, disks: disks.length },
        change: { action: 'make an image, and delete with the disks', from: 'stopped', to: 'image' },
        saving: { kind: 'stops_cost', parts: 'all', isCopied: true },
        confidence: { level: 'medium', reason: 'somebody may start it again' },
      }
    },
  }),
]

function unused(evidence: Verdict['evidence'], action: string): Verdict {
  return {
    evidence,
    change: { action, from: 'empty', to: 'ended' },
    saving: { kind: 'stops_cost', parts: 'all' },
    confidence: { level: 'high', reason: 'the inventory shows it' },
  }
}
