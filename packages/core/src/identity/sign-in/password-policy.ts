import type { Context } from '../../effects/context.ts'
import type * as Organization from '../../organization/organization.ts'
import type { Role } from '../../kernel/permission.ts'

export async function mayUsePassword({ tables, orgId }: Context, { role }: { role: Role }): Promise<boolean> {
  return allowsPassword(await tables.organizations.get(orgId, orgId), { role })
}

export function allowsPassword(organization: Organization.Info | undefined, { role }: { role: Role }): boolean {
  return role === 'admin' || organization?.signIn?.passwords !== false
}
