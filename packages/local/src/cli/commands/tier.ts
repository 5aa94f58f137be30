import { Actor, Fault, noOrganization, Organization } from '@cloudoptima/core'
import { withProduct, type CommonOptions } from '../options.ts'
import { show } from '../output.ts'

/** Access to the data folder makes the operator. */
export async function tier(
  [organization, name]: [string, Organization.Tier],
  { data, json }: CommonOptions,
): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const known = (await ctx.tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
    if (!known.includes(organization))
      throw new Fault('not_found', `There is no organization ${organization}. There are: ${known.join(', ')}.`)
    const operator = { ...ctx, orgId: organization, actor: Actor.system('operator') }
    const changed = await Organization.setTier(operator, { tier: name })
    return show(json, changed, `The tier of ${organization} is now ${changed.tier}; it was ${changed.before}.`)
  })
}
