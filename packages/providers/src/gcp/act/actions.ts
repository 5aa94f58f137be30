import type { AccessOptions } from '../../access/options.ts'
import { setTags } from '../../access/set-tags.ts'
import type { CloudActions } from '../../access/verdict.ts'
import { gcpActor } from './tags.ts'

/** What Google Cloud has of the table of actions. */
export function gcpActions(options: AccessOptions): CloudActions<'gcp'> {
  return { 'set-tags': (access) => setTags('gcp', access, gcpActor(options)) }
}
