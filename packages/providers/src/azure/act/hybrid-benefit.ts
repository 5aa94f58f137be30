import { type Arm, isSame } from './arm.ts'
import { isBusy, isProtected, machineAt, protectedBy } from './machine.ts'
import type { Next, Recipe } from './step.ts'

const type = 'Microsoft.Compute/virtualMachines'

type State = { licenseType: string | null; osType: string | null; publisher: string | null; protected: boolean }

/** The system that a license is for, and the publisher of the images that Azure bills a subscription of. */
const licenses: Record<string, { osType: string; publisher?: RegExp }> = {
  Windows_Server: { osType: 'Windows' },
  RHEL_BYOS: { osType: 'Linux', publisher: /^redhat/i },
  SLES_BYOS: { osType: 'Linux', publisher: /^suse/i },
}

async function become(arm: Arm, path: string, licenseType: string | null): Promise<Next> {
  const machine = await machineAt(arm, path)
  if (!machine) return { refuse: 'The instance does not exist any more.' }
  if (isBusy(machine)) return { wait: 'Azure is changing the instance.' }
  if (isSame(licenseOf(machine.properties.licenseType), licenseType)) return { done: {} }
  const body = { properties: { licenseType: licenseType ?? 'None' } }
  const change = { api: `${type}/write`, method: 'PATCH', type, path, body, etag: machine.etag } as const
  return { change, says: `Azure is asked for the license ${licenseType ?? 'that is paid with the instance'}.` }
}

const licenseOf = (licenseType: string | null | undefined) =>
  isSame(licenseType, 'None') ? null : (licenseType ?? null)

/**
 * https://learn.microsoft.com/azure/virtual-machines/windows/hybrid-use-benefit-licensing
 * https://learn.microsoft.com/azure/virtual-machines/linux/azure-hybrid-benefit-linux
 */
export const enableHybridBenefit: Recipe<State, { licenseType: string }> = {
  type,
  async read(arm, { id }) {
    const machine = await machineAt(arm, id)
    if (!machine) return undefined
    const { licenseType, storageProfile } = machine.properties
    return {
      licenseType: licenseOf(licenseType),
      osType: storageProfile?.osDisk?.osType ?? null,
      publisher: storageProfile?.imageReference?.publisher ?? null,
      protected: isProtected(machine),
    }
  },
  plan(_, { parameters, before }) {
    const { licenseType } = parameters
    const license = licenses[licenseType]
    if (before.licenseType === licenseType) return 'done already'
    if (before.protected) return { refusal: protectedBy }
    if (before.licenseType !== null)
      return { refusal: `The instance has the license ${before.licenseType} already. Remove it in Azure first.` }
    if (!license || before.osType !== license.osType)
      return { refusal: `The instance runs ${before.osType ?? 'another system'}. Choose a license of this system.` }
    if (license.publisher && !license.publisher.test(before.publisher ?? ''))
      return {
        refusal: 'Azure bills no subscription of this publisher for the instance. Choose the license of its image.',
      }
    const notes = ['The organization must own enough licenses; Azure does not check that.']
    // The guest changes its source of updates by an extension, which is not installed here.
    if (license.publisher)
      notes.push('The extension of Azure Hybrid Benefit for Linux must be installed on the instance.')
    return { after: { ...before, licenseType }, undo: 'full', lost: [], losesData: null, notes }
  },
  act: async (arm, { target, parameters }) => await become(arm, target.id, parameters.licenseType),
  undo: async (arm, { target, before }) => await become(arm, target.id, before.licenseType),
}
