import { Fault } from '@cloudoptima/core'
import { emailsOf, orgId, sampleOrgId, servedOrgId, tokenOf } from '../../organization.ts'
import { withProduct, type CommonOptions } from '../options.ts'
import { show } from '../output.ts'

export interface TokenOptions extends CommonOptions {
  as?: string
}

/** Access to the data folder is full access. */
export async function token({ data, as, json }: TokenOptions): Promise<number> {
  return await withProduct(data, async ({ services: { runtime } }) => {
    const [admin = ''] = emailsOf(await servedOrgId(runtime))
    const email = (as ?? admin).trim().toLowerCase()
    const accessToken = await tokenOf(runtime, email)
    if (accessToken === undefined) {
      const first = [orgId, sampleOrgId].flatMap(emailsOf).join(', ')
      throw new Fault('not_found', `No user of this machine has the address ${email}. The first users are: ${first}.`)
    }
    return show(json, { email, accessToken }, accessToken)
  })
}
