import { type Context, permissionsOf } from '@cloudoptima/core'
import type { Execution } from './execution-text.ts'

/** E-mail addresses of the users of this organization, other than this one, who may approve an execution. */
export async function approversOf(
  { tables, orgId, actor }: Context,
  { requestedBy }: Pick<Execution, 'requestedBy'>,
): Promise<string[]> {
  const users = await tables.users.all(orgId)
  return users
    .filter(
      ({ id, isActive, role }) =>
        isActive && id !== requestedBy && id !== actor.id && permissionsOf(role).has('approve:remediation'),
    )
    .map(({ email }) => email)
}
