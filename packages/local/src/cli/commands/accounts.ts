import { CloudAccountList, type Context, Source } from '@cloudoptima/core'
import { type CommonOptions, withProduct } from '../options.ts'
import { heading, instant, right, rounded, show, table } from '../output.ts'

const pageSize = 100

type Account = Awaited<ReturnType<typeof CloudAccountList.list>>['accounts'][number]
type Listed = Account & { problems: Source.Problem[] }

export async function accounts({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const listed: Listed[] = []
    for await (const account of all(ctx)) {
      const sources = await Source.ofAccount(ctx, account.id)
      listed.push({ ...account, problems: sources.flatMap(({ problems }) => problems) })
    }
    return show(json, { accounts: listed }, listed.length === 0 ? nothing : report(listed))
  })
}

const nothing = 'No cloud account is connected. To connect one: POST /v1/cloud-accounts, see the reference of the API.'

async function* all(ctx: Context): AsyncGenerator<Account> {
  for (let page = 1; ; page++) {
    const { accounts: found, pagination } = await CloudAccountList.list(ctx, { page, pageSize })
    yield* found
    if (page >= pagination.totalPages) return
  }
}

function report(listed: readonly Listed[]) {
  const lines = listed.map(({ provider, accountId, accountName, status, lastSync, problems, ...spend }) => [
    provider,
    accountId,
    accountName,
    status,
    lastSync === null ? '-' : instant(lastSync),
    spend.currency === null ? '-' : `${rounded(spend.monthlySpendExact)} ${spend.currency}`,
    [...new Set(problems.map(({ state }) => state))].join(', ') || '-',
  ])
  // One message of each state: those of many accounts differ in names only.
  const messages = new Map(listed.flatMap(({ problems }) => problems.map(({ state, message }) => [state, message])))
  const drawn = table(['Cloud', 'Account', 'Name', 'Status', 'New data', right('This month'), 'Problems'], lines)
  if (messages.size === 0) return drawn
  return [drawn, heading('Problems'), ...[...messages].map((pair) => pair.join(': '))].join('\n')
}
