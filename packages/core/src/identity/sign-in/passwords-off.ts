import type { Context } from '../../effects/context.ts'
import type * as User from '../people/user.ts'

/** Whether a role may use passwords: admins always, others unless the organization disabled passwords. */
export async function mayUsePassword({ tables, orgId }: Context, { role }: Pick<User.Info, 'role'>): Promise<boolean> {
  const organization = await tables.organizations.get(orgId, orgId)
  return role === 'admin' || organization?.signIn?.passwords !== false
}
