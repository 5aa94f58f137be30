import type { Context } from '../effects/context.ts'

/** The e-mail address of a user of the organization; another id, as of an API key, as it is. */
export async function personOf({ tables, orgId }: Context, id: string): Promise<string> {
  return (await tables.users.get(orgId, id))?.email ?? id
}
