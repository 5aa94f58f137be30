import type { Runtime } from '@cloudoptima/core'

/** The organisation of this machine's own bills: identity knows no other yet. */
export const orgId = 'default'

/** The invented company of the sample, apart from the real bills: its costs never stand beside theirs. */
export const sampleOrgId = 'sample'

/** Whose costs are shown: those of the machine's own bills as soon as one of them is committed, until then the sample's where there is one. */
export async function servedOrgId({ tables }: Runtime): Promise<string> {
  if (await tables.heads.get(orgId, 'head')) return orgId
  return (await tables.heads.get(sampleOrgId, 'head')) ? sampleOrgId : orgId
}
