import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** The folder of the external ids that the customers' roles trust, in the folder of the clouds. */
export const trustFolder = (dir: string): string => join(dir, 'trust')

/** The file whose existence makes a role trust an external id; it outlives the process of the clouds. */
export function trustFile(dir: string, roleArn: string, externalId: string): string {
  return join(trustFolder(dir), createHash('sha256').update(`${roleArn} ${externalId}`).digest('hex'))
}
