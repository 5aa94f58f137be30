import type { ActionName, ActionParameters, ActionState } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { setTags } from '../../access/set-tags.ts'
import type { CloudActions } from '../../access/verdict.ts'
import { changeVolume } from './change-disk.ts'
import { deleteVolume } from './delete-disk.ts'
import { deleteSnapshot } from './delete-snapshot.ts'
import { enableHybridBenefit } from './hybrid-benefit.ts'
import { startInstance, stopInstance } from './power.ts'
import { releaseAddress } from './release-address.ts'
import { resizeInstance } from './resize.ts'
import { scalePlan } from './scale-plan.ts'
import { azureAction, type Recipe } from './step.ts'
import { azureActor } from './tags.ts'

/** What Azure has of the table of actions. */
export function azureActions(options: AccessOptions): CloudActions<'azure'> {
  const by =
    <State extends ActionState, Given extends ActionParameters>(
      recipe: Recipe<State, Given>,
    ): NonNullable<CloudActions<'azure'>[ActionName]> =>
    async (access) =>
      await azureAction(options, access, recipe)
  return {
    'stop-instance': by(stopInstance),
    'start-instance': by(startInstance),
    'resize-instance': by(resizeInstance),
    'delete-volume': by(deleteVolume),
    'change-volume': by(changeVolume),
    'delete-snapshot': by(deleteSnapshot),
    'release-address': by(releaseAddress),
    'scale-plan': by(scalePlan),
    'enable-hybrid-benefit': by(enableHybridBenefit),
    'set-tags': (access) => setTags('azure', access, azureActor(options)),
  }
}
