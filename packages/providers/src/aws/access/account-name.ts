import { probes } from './probes.ts'
import type { ReadPermission } from './read-grants.ts'
import { answerOf } from './refusal.ts'
import { type Role, type Session, settings } from './session.ts'

/** A page has 20 accounts; a name is not worth reading thousands. */
const maxPages = 5

export async function accountName(
  session: Session,
  role: Role,
  missing: ReadonlySet<ReadPermission>,
): Promise<string | undefined> {
  const alias = missing.has('iam:ListAccountAliases') ? undefined : await aliasOf(session)
  if (alias !== undefined) return alias
  const isHidden = missing.has('organizations:DescribeOrganization') || missing.has('organizations:ListAccounts')
  return isHidden ? undefined : await nameInOrganization(session, role)
}

async function aliasOf(session: Session) {
  const listed = await answerOf('iam:ListAccountAliases', () => probes['iam:ListAccountAliases'](session))
  return listed?.AccountAliases?.[0]
}

async function nameInOrganization(session: Session, { account }: Role) {
  const described = await answerOf('organizations:DescribeOrganization', () =>
    probes['organizations:DescribeOrganization'](session),
  )
  // Only the management account may list the others.
  if (described?.Organization?.MasterAccountId !== account) return undefined
  const { OrganizationsClient, paginateListAccounts } = await import('@aws-sdk/client-organizations')
  const client = new OrganizationsClient(settings(session))
  return await answerOf('organizations:ListAccounts', async () => {
    let pages = 0
    for await (const { Accounts = [] } of paginateListAccounts({ client }, {})) {
      const own = Accounts.find(({ Id }) => Id === account)
      if (own?.Name !== undefined || ++pages === maxPages) return own?.Name
    }
    return undefined
  })
}
