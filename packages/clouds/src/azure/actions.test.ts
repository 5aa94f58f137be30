import type { ActionName, ActionParameters } from '@cloudoptima/core'
import { assertContract } from '@cloudoptima/providers/testing/action'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Kind, openAzure, openOn, type Power, rowsOf, set, types } from './testing.ts'

// The contract of each action in the simulated Azure, which is our own work: no test by somebody else.

interface Given {
  index: number
  state: Power
  parameters: ActionParameters
}

const everyState = ['running', 'deallocated', 'stopped'] as const
const off = ['deallocated'] as const
const sizes = ['Standard_D2s_v5', 'Standard_E2s_v5', 'Standard_D4s_v3', 'Standard_D2ds_v5']
const licenses = ['Windows_Server', 'RHEL_BYOS', 'SLES_BYOS']
const diskTypes = ['StandardSSD_LRS', 'Standard_LRS']

test.each<[ActionName, Kind, states: readonly Power[], parameters: readonly ActionParameters[]]>([
  ['stop-instance', 'instance', everyState, [{}]],
  ['start-instance', 'instance', everyState, [{}]],
  ['resize-instance', 'instance', ['running', 'deallocated'], sizes.map((type) => ({ type }))],
  ['enable-hybrid-benefit', 'instance', everyState, licenses.map((licenseType) => ({ licenseType }))],
  ['delete-volume', 'volume', off, [{}]],
  ['change-volume', 'volume', off, diskTypes.map((type) => ({ type }))],
  ['delete-snapshot', 'snapshot', off, [{}]],
  ['release-address', 'address', off, [{}]],
  ['scale-plan', 'container_service', off, [{ sku: 'P0v3' }, { instances: 2 }, { sku: 'P0v3', instances: 3 }]],
])(
  '%s keeps its contract on each %s, whatever befalls its calls',
  async (name, kind, states, parameters) => {
    const contract = assertContract<Given>({
      given: fc.record({
        index: fc.nat(20),
        state: fc.constantFrom(...states),
        parameters: fc.constantFrom(...parameters),
      }),
      runs: 10,
      async open({ index, state, parameters }, fateOf) {
        const cloud = await openAzure(types[kind])
        const rows = await rowsOf(cloud, types[kind])
        const row = rows[index % rows.length]
        if (!row) throw new Error(`The subscription has no ${kind}`)
        const machine = kind === 'instance' ? row.id : row.managedBy
        if (machine) await set(cloud, machine, state)
        return await openOn(cloud, name, { kind, row, parameters }, fateOf)
      },
    })
    await expect(contract).resolves.toBeUndefined()
  },
  90_000,
)
