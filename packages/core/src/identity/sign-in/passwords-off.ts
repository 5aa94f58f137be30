import type { Context } from '../../effects/context.ts'
import type * as User from '../people/user.ts'

/** Whether somebody may sign in with a password: an organization that has a provider of its own can leave it to that, but for admins. */
export async function mayUsePassword({ tables, orgId }: Context, { role }: Pick<User.Info, 'role'>): Promise<boolean> {
  const organization = await tables.organizations.get(orgId, orgId)
  return role === 'admin' || organization?.signIn?.passwords !== false
}
