import { Fault } from '@cloudoptima/core'
import { emailsOf, orgId, sampleOrgId, servedOrgId, tokenOf } from '../../organization.ts'
import { withProduct } from '../open.ts'

export interface TokenOptions {
  data: string
  as?: string
  json?: boolean
}

/** Needs no password: access to the data folder is full access. */
export async function token({ data, as, json }: TokenOptions): Promise<number> {
  return await withProduct(data, async ({ services: { runtime } }) => {
    const [admin = ''] = emailsOf(await servedOrgId(runtime))
    const email = (as ?? admin).trim().toLowerCase()
    const first = [orgId, sampleOrgId].flatMap(emailsOf)
    const found = await tokenOf(runtime, email)
    if (found === undefined)
      throw new Fault(
        'not_found',
        `No user of this machine has the address ${email}. The first users are: ${first.join(', ')}.`,
      )
    process.stdout.write(`${json ? JSON.stringify({ email, accessToken: found }) : found}\n`)
    return 0
  })
}
