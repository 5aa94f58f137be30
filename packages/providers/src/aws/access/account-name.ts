import { probes } from './probes.ts'
import type { ReadPermission } from './read-grants.ts'
import { attempt } from './refusal.ts'
import type { Role } from './role.ts'
import { type Session, settings } from './session.ts'

/** A page has 20 accounts; a name is not worth reading thousands. */
const maxPages = 5

/** The account's alias, or its name in its organization. */
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

async function aliasOf(session: Session): Promise<string | undefined> {
  const listed = await attempt('iam:ListAccountAliases', () => probes['iam:ListAccountAliases'](session))
  return listed.kind === 'answered' ? listed.answer.AccountAliases?.[0] : undefined
}

async function nameInOrganization(session: Session, { account }: Role): Promise<string | undefined> {
  const described = await attempt('organizations:DescribeOrganization', () =>
    probes['organizations:DescribeOrganization'](session),
  )
  // Only the management account may list the others.
  if (described.kind !== 'answered' || described.answer.Organization?.MasterAccountId !== account) return undefined
  const { OrganizationsClient, paginateListAccounts } = await import('@aws-sdk/client-organizations')
  const client = new OrganizationsClient(settings(session))
  const listed = await attempt('organizations:ListAccounts', async () => {
    let pages = 0
    for await (const { Accounts = [] } of paginateListAccounts({ client }, {})) {
      const own = Accounts.find(({ Id }) => Id === account)
      if (own?.Name !== undefined || ++pages === maxPages) return own?.Name
    }
    return undefined
  })
  return listed.kind === 'answered' ? listed.answer : undefined
}
