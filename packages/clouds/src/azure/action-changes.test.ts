import type { ActionName, ActionOrder, ActionParameters, ActionStep } from '@cloudoptima/core'
import { azureActionPermissions } from '@cloudoptima/providers/access'
import { expect, test } from 'vitest'
import { type Azure, type Kind, openAzure, openOn, type Power, type Row, rowsOf, set, types } from './testing.ts'

interface Case {
  kind: Kind
  parameters?: ActionParameters
  isFit?: (row: Row) => boolean
  /** Of the machine, also of the machine of a disk; default: deallocated. */
  state?: Power
}

async function opened(name: ActionName, { kind, parameters = {}, isFit = () => true, state = 'deallocated' }: Case) {
  const cloud = await openAzure(types[kind])
  const row = (await rowsOf(cloud, types[kind])).find(isFit)
  if (!row) throw new Error(`The subscription has no ${kind} that fits`)
  const machine = kind === 'instance' ? row.id : row.managedBy
  if (machine) await set(cloud, machine, state)
  const changes: string[] = []
  const world = await openOn(cloud, name, { kind, row, parameters }, (call) => (changes.push(call), 'answered'))
  return { ...world, cloud, row, changes }
}

async function planned(world: Awaited<ReturnType<typeof opened>>) {
  const { action, target, parameters } = world
  const before = (await action.readState(target)) ?? {}
  return { before, plan: await action.plan({ target, parameters, before }) }
}

/** An action from the plan to the end of its undo, without trouble. */
async function carriedOut(name: ActionName, one: Case) {
  const world = await opened(name, one)
  const { action, target, parameters, changes, calls } = world
  const { before, plan } = await planned(world)
  if (plan === 'done already' || 'refusal' in plan) throw new Error(`There is no plan: ${JSON.stringify(plan)}`)
  const order: ActionOrder = { target, parameters, before, after: plan.after, token: 'c0ffee00'.repeat(4), memory: {} }
  const run = async (way: 'act' | 'undo'): Promise<[changes: string[], step: ActionStep]> => {
    for (;;) {
      const step = await action[way](order)
      order.memory = step.memory
      if (step.state !== 'going on') return [changes.splice(0), step]
      world.pass(step.waitSeconds)
    }
  }
  const [act, acted] = await run('act')
  const differences = await action.verify(order)
  const [undo, undone] = await run('undo')
  const after = await action.readState(target)
  await world.close?.()
  return { plan, act, acted, differences, undo, undone, after, calls: new Set(calls) }
}

const hasSize =
  (size: string) =>
  ({ properties }: Row) =>
    (properties['hardwareProfile'] as { vmSize: string }).vmSize === size
const isAttached = ({ managedBy }: Row) => Boolean(managedBy)
const isUnused = ({ properties }: Row) => properties['ipConfiguration'] === undefined
const runsWindows = ({ properties }: Row) => JSON.stringify(properties['storageProfile']).includes('Windows')

const machine = (verb: string) => `POST virtualmachines/${verb.toLowerCase()}`
const moved = [machine('deallocate'), 'PATCH virtualmachines', machine('start')]

const cases: Partial<Record<ActionName, [given: Case, act: string[], undo: string[]][]>> = {
  'stop-instance': [[{ kind: 'instance', state: 'running' }, [machine('deallocate')], [machine('start')]]],
  'start-instance': [
    [{ kind: 'instance', state: 'deallocated' }, [machine('start')], [machine('deallocate')]],
    [{ kind: 'instance', state: 'stopped' }, [machine('start')], [machine('powerOff')]],
  ],
  'resize-instance': [
    [
      {
        kind: 'instance',
        state: 'running',
        isFit: hasSize('Standard_D4s_v5'),
        parameters: { type: 'Standard_D2s_v5' },
      },
      ['PATCH virtualmachines'],
      ['PATCH virtualmachines'],
    ],
    [
      {
        kind: 'instance',
        state: 'running',
        isFit: hasSize('Standard_D4s_v5'),
        parameters: { type: 'standard_e2s_v5' },
      },
      moved,
      moved,
    ],
  ],
  'delete-volume': [
    [
      { kind: 'volume', isFit: (row) => !isAttached(row) },
      ['PUT snapshots', 'DELETE disks'],
      ['PUT disks', 'DELETE snapshots'],
    ],
    [
      { kind: 'volume', isFit: isAttached },
      ['PUT snapshots', machine('attachDetachDataDisks'), 'DELETE disks'],
      ['PUT disks', machine('attachDetachDataDisks'), 'DELETE snapshots'],
    ],
  ],
  'change-volume': [
    [{ kind: 'volume', parameters: { type: 'StandardSSD_LRS', sizeGb: 1024 } }, ['PATCH disks'], ['PATCH disks']],
  ],
  'delete-snapshot': [[{ kind: 'snapshot' }, ['DELETE snapshots'], []]],
  'release-address': [[{ kind: 'address', isFit: isUnused }, ['DELETE publicipaddresses'], ['PUT publicipaddresses']]],
  'scale-plan': [
    [
      { kind: 'container_service', parameters: { sku: 'P0v3', instances: 2 } },
      ['PUT serverfarms'],
      ['PUT serverfarms'],
    ],
  ],
  'enable-hybrid-benefit': [
    [
      { kind: 'instance', isFit: runsWindows, parameters: { licenseType: 'Windows_Server' } },
      ['PATCH virtualmachines'],
      ['PATCH virtualmachines'],
    ],
  ],
}

/** Azure asks for them beside the permission of the call. */
const implied = /instanceView|beginGetAccess/

test.each(Object.entries(cases) as [keyof typeof azureActionPermissions, (typeof cases)['stop-instance'] & {}][])(
  '%s makes the expected changes, with the permissions of its role',
  async (name, given) => {
    const used: string[] = []
    for (const [one, act, undo] of given) {
      const found = await carriedOut(name, one)
      expect([found.act, found.undo, found.differences]).toEqual([act, undo, []])
      expect(found.acted.state).toBe('done')
      used.push(...found.calls)
    }
    const granted = azureActionPermissions[name].filter((each) => !implied.test(each))
    expect(new Set(used.filter((api) => api !== 'login:token'))).toEqual(new Set(granted))
  },
)

test('an undo does not make a disk smaller, and the plan says so', async () => {
  const { plan, after } = await carriedOut('change-volume', { kind: 'volume', parameters: { sizeGb: 1024 } })
  expect(plan).toMatchObject({ undo: 'partial', lost: ['the size of 512 GiB'] })
  expect(after).toMatchObject({ sku: 'Premium_LRS', diskSizeGB: 1024 })
})

test('a deleted snapshot does not come back, and the undo says so', async () => {
  const { plan, undone } = await carriedOut('delete-snapshot', { kind: 'snapshot' })
  expect(plan).toMatchObject({ undo: 'none', after: null })
  expect(undone).toMatchObject({ state: 'refused' })
})

test.each<[ActionName, Case, RegExp | 'done already']>([
  ['start-instance', { kind: 'instance', state: 'running' }, 'done already'],
  ['stop-instance', { kind: 'instance', state: 'deallocated' }, 'done already'],
  ['resize-instance', { kind: 'instance', state: 'stopped', parameters: { type: 'Standard_D2s_v5' } }, /Deallocate or/],
  ['resize-instance', { kind: 'instance', parameters: { type: 'Standard_X1' } }, /no size Standard_X1/],
  ['resize-instance', { kind: 'instance', parameters: { type: 'Standard_D2ps_v5' } }, /another architecture/],
  ['resize-instance', { kind: 'instance', parameters: { type: 'Standard_D2_v3' } }, /no premium disks/],
  [
    'resize-instance',
    { kind: 'instance', isFit: hasSize('Standard_D4s_v5'), parameters: { type: 'Standard_D2ds_v5' } },
    /temporary disk/,
  ],
  ['delete-volume', { kind: 'volume', isFit: isAttached, state: 'running' }, /not deallocated/],
  ['change-volume', { kind: 'volume', isFit: isAttached, state: 'running', parameters: { sizeGb: 600 } }, /in use/],
  ['change-volume', { kind: 'volume', parameters: { sizeGb: 100 } }, /smaller/],
  ['change-volume', { kind: 'volume', parameters: { iops: 9000 } }, /follows from its size/],
  ['change-volume', { kind: 'volume', parameters: { type: 'Premium_ZRS' } }, /redundancy/],
  ['change-volume', { kind: 'volume', parameters: { type: 'UltraSSD_LRS' } }, /does not convert/],
  ['change-volume', { kind: 'volume', parameters: { sizeGb: 512 } }, 'done already'],
  ['scale-plan', { kind: 'container_service', parameters: { sku: 'F1' } }, /no size with workers/],
  ['scale-plan', { kind: 'container_service', parameters: { sku: 'I1v2' } }, /App Service Environment/],
  ['scale-plan', { kind: 'container_service', parameters: { sku: 'P1v3', instances: 1 } }, 'done already'],
  [
    'enable-hybrid-benefit',
    { kind: 'instance', isFit: runsWindows, parameters: { licenseType: 'RHEL_BYOS' } },
    /license of this system/,
  ],
])('%s of %j has no plan: %s', async (name, one, answer) => {
  const world = await opened(name, one)
  const { plan } = await planned(world)
  await world.close?.()
  const refusal = typeof plan === 'object' && 'refusal' in plan ? plan.refusal : plan
  if (typeof answer === 'string') expect(refusal).toBe(answer)
  else expect(refusal).toMatch(answer)
})

async function protect({ ask }: Azure, { id }: Row): Promise<void> {
  const body = { operation: 'Merge', properties: { tags: { 'cloudoptima:protected': 'true' } } }
  await ask('PATCH', `${id}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01`, body)
}

test.each(Object.keys(cases) as ActionName[])('%s leaves a protected resource alone', async (name) => {
  const [given] = cases[name]?.[0] ?? []
  if (!given) throw new Error('Each action has a case')
  const world = await opened(name, given)
  await protect(world.cloud, world.row)
  expect((await planned(world)).plan).toEqual({
    refusal: 'The resource is protected by its tag cloudoptima:protected.',
  })
  await world.close?.()
})
