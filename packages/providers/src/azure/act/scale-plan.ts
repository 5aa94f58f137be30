import type { TagsByKey } from '@cloudoptima/core'
import { type Arm, isSame } from './arm.ts'
import { isBusy, isProtected, protectedBy } from './machine.ts'
import type { Next, Recipe } from './step.ts'

const type = 'Microsoft.Web/serverfarms'

/** https://learn.microsoft.com/rest/api/appservice/app-service-plans/get */
interface Plan {
  location: string
  kind?: string
  tags?: TagsByKey | null
  sku?: { name: string; capacity?: number }
  identity?: object
  extendedLocation?: object | null
  properties: { provisioningState?: string } & Record<string, unknown>
}

type State = { sku: string; instances: number; protected: boolean }

/** What a PUT takes; the other properties of a plan are read only. */
const written = [
  'workerTierName',
  'hostingEnvironmentProfile',
  'perSiteScaling',
  'elasticScaleEnabled',
  'maximumElasticWorkerCount',
  'isSpot',
  'spotExpirationTime',
  'freeOfferExpirationTime',
  'reserved',
  'isXenon',
  'hyperV',
  'targetWorkerCount',
  'targetWorkerSizeId',
  'kubeEnvironmentProfile',
  'zoneRedundant',
  'asyncScalingEnabled',
]

/** With dedicated workers: https://learn.microsoft.com/azure/app-service/overview-hosting-plans */
const tiers: readonly [sku: RegExp, tier: string][] = [
  [/^B[123]$/i, 'Basic'],
  [/^S[123]$/i, 'Standard'],
  [/^P[123]v2$/i, 'PremiumV2'],
  [/^P([0123]|[1-5]m)v3$/i, 'PremiumV3'],
  [/^P([0123]|[1-5]m)v4$/i, 'PremiumV4'],
  [/^I([1-6]|[1-5]m)v2$/i, 'IsolatedV2'],
]
const tierOf = (sku: string) => tiers.find(([form]) => form.test(sku))?.[1]

const planAt = async (arm: Arm, path: string) => await arm.read<Plan>('Microsoft.Web/serverfarms/read', type, path)

function stateOf(plan: Plan): State {
  return { sku: plan.sku?.name ?? '', instances: plan.sku?.capacity ?? 0, protected: isProtected(plan) }
}

interface Autoscale {
  value: { properties: { enabled?: boolean; targetResourceUri?: string } }[]
}

/** Whether a rule of Azure Monitor sets the number of its instances. */
async function isAutoscaled(arm: Arm, path: string): Promise<boolean> {
  const group = path.split('/').slice(0, 5).join('/')
  const [settings, api] = ['Microsoft.Insights/autoscaleSettings', 'Microsoft.Insights/autoscaleSettings/read'] as const
  const found = await arm.read<Autoscale>(api, settings, `${group}/providers/${settings}`)
  return (found?.value ?? []).some(
    ({ properties: { enabled, targetResourceUri } }) => enabled === true && isSame(targetResourceUri, path),
  )
}

async function become(arm: Arm, path: string, goal: State): Promise<Next> {
  const plan = await planAt(arm, path)
  if (!plan) return { refuse: 'The plan does not exist any more.' }
  if (isBusy(plan)) return { wait: 'Azure is changing the plan.' }
  const { sku, instances } = stateOf(plan)
  if (isSame(sku, goal.sku) && instances === goal.instances) return { done: {} }
  const { location, kind, tags, identity, extendedLocation, properties } = plan
  const kept = written.filter((name) => properties[name] !== undefined && properties[name] !== null)
  const body = {
    location,
    ...(kind !== undefined && { kind }),
    ...(tags && { tags }),
    ...(identity && { identity }),
    ...(extendedLocation && { extendedLocation }),
    sku: { name: goal.sku, tier: tierOf(goal.sku), size: goal.sku, capacity: goal.instances },
    properties: Object.fromEntries(kept.map((name) => [name, properties[name]])),
  }
  const change = { api: 'Microsoft.Web/serverfarms/write', method: 'PUT', type, path, body } as const
  return { change, says: `Azure is asked for ${goal.instances} instances of ${goal.sku}.` }
}

/** https://learn.microsoft.com/rest/api/appservice/app-service-plans/create-or-update */
export const scalePlan: Recipe<State, { sku?: string; instances?: number }> = {
  type,
  async read(arm, { id }) {
    const plan = await planAt(arm, id)
    return plan && stateOf(plan)
  },
  async plan(arm, { target, parameters, before }) {
    const { sku = before.sku, instances = before.instances } = parameters
    if (isSame(sku, before.sku) && instances === before.instances) return 'done already'
    if (before.protected) return { refusal: protectedBy }
    const [from, to] = [tierOf(before.sku), tierOf(sku)]
    if (from === undefined) return { refusal: `A plan of ${before.sku} has no workers of its own. Change it in Azure.` }
    if (to === undefined) return { refusal: `${sku} is no size with workers of its own. Choose one such as P0v3.` }
    if ((from === 'IsolatedV2') !== (to === 'IsolatedV2'))
      return { refusal: 'A plan stays in or outside of an App Service Environment. Choose a size of the same kind.' }
    if (instances !== before.instances && (await isAutoscaled(arm, target.id)))
      return { refusal: 'An autoscale setting sets the number of instances. Change the setting instead.' }
    const notes = to === from ? [] : [`Azure refuses ${to} if an app uses a feature that it lacks.`]
    const isKept = isSame(sku, before.sku) && instances > before.instances
    return {
      after: { ...before, sku, instances },
      undo: isKept ? 'full' : 'partial',
      lost: isKept ? [] : ['the files that the apps keep on the workers themselves'],
      losesData: isKept ? null : 'The files that the apps keep on the workers themselves, outside of /home, are lost.',
      notes,
    }
  },
  act: async (arm, { target, after }) => await become(arm, target.id, after as State),
  undo: async (arm, { target, before }) => await become(arm, target.id, before),
}
