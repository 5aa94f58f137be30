import type { AccessOptions } from '../../access/options.ts'
import { setTags } from '../../access/set-tags.ts'
import type { CloudActions } from '../../access/verdict.ts'
import { azureActor } from './tags.ts'

/** What Azure has of the table of actions. */
export function azureActions(options: AccessOptions): CloudActions<'azure'> {
  return { 'set-tags': (access) => setTags('azure', access, azureActor(options)) }
}
