import type { AccessOptions } from '../../access/options.ts'
import { setTags } from '../../access/set-tags.ts'
import type { CloudActions } from '../../access/verdict.ts'
import { awsActor } from './tags.ts'

/** What AWS has of the table of actions. */
export function awsActions(options: AccessOptions): CloudActions<'aws'> {
  return { 'set-tags': (access) => setTags('aws', access, awsActor(options)) }
}
