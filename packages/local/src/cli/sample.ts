import { setTimeout as sleep } from 'node:timers/promises'
import type { InventedAccount } from '@cloudoptima/clouds'
import { type Context, Snapshot } from '@cloudoptima/core'
import { allowActions, connect } from '../invented/connect.ts'
import type { Product } from '../product.ts'
import type { Interrupt } from './interrupt.ts'
import { count, note, style } from './output.ts'
import type { Reporter } from './progress.ts'

export interface Session {
  reporter: Reporter
  interrupt: Interrupt
}

const newestMonths = 2
const patienceMs = 30_000
const mostProblems = 5

/** Connects the accounts that are left and allows actions in all, until the signal. */
export type ConnectRest = (signal: AbortSignal) => Promise<void>

/**
 * Connects the invented company's accounts with exports, and waits for their newest bills; those without follow in
 * `ConnectRest`, once the bills are shown.
 */
export async function collectSample(
  product: Product,
  once: boolean,
  session: Session,
): Promise<ConnectRest | undefined> {
  const { ctx, invented } = product
  const known = await invented.company()
  if (known?.isConnected) return undefined
  const company = known ?? { today: ctx.now().toISOString().slice(0, 10), isConnected: false }
  const isNew = (await Snapshot.head(ctx)).version === 0
  if (isNew)
    note(style.dim('There are no bills of your own yet. Connecting an invented company on three simulated clouds.'))
  await invented.save(company)
  const { accounts, bills } = await invented.clouds()
  const payers = accounts.filter(({ hasExport }) => hasExport)
  // Before anything is collected, which takes all cores. Resources follow once the bills are shown.
  await connect(ctx, payers, session.interrupt.signal)
  product.work('bills')
  const patience = isNew ? patienceMs : 0
  await untilCollected(ctx, payers, bills, once ? Infinity : performance.now() + patience, session)
  return async (signal) => {
    await connect(ctx, accounts, signal)
    await allowActions(ctx, accounts, signal)
    if (!signal.aborted) await invented.save({ ...company, isConnected: true })
  }
}

/** Waits for the newest bills of each account, and until some time for the older ones. Ends if nothing more comes. */
async function untilCollected(
  ctx: Context,
  payers: readonly InventedAccount[],
  bills: number,
  until: number,
  { reporter, interrupt }: Session,
) {
  reporter.beginCount('Collecting the bills', bills)
  for (;;) {
    await sleep(250, undefined, { signal: interrupt.signal })
    const { isIdle, problems } = await collectionOf(ctx, payers.length)
    const landed = (await Snapshot.view(ctx)).snapshots.filter(({ origin }) => !origin?.preliminary)
    reporter.counted(landed.length)
    if (landed.length >= bills) return reporter.end('All bills are here.')
    if (isIdle) {
      reporter.end(`${count(bills - landed.length)} bills are missing. They are tried again while the product runs.`)
      for (const { part, message } of problems.slice(0, mostProblems)) note(style.yellow(`  ${part}: ${message}`))
      return
    }
    const hasNewest = payers.every(({ cloud, accountId }) => {
      const own = landed.filter(({ origin }) => origin?.source.startsWith(`${cloud}/${accountId}/`))
      return own.length >= newestMonths
    })
    if (hasNewest && performance.now() >= until)
      return reporter.end('The newest bills are here. The older months follow.')
  }
}

/** Whether nothing is collected or imported any more, and why not. */
async function collectionOf({ tables, orgId: of }: Context, accounts: number) {
  const sources = (await tables.sources.all(of)).filter(({ kind }) => kind === 'bills')
  const isCollecting = sources.length < accounts || sources.some((one) => one.syncId !== undefined || !one.lookedAt)
  const open = await Promise.all((['uploading', 'running'] as const).map((status) => tables.imports.count(of, status)))
  const isIdle = !isCollecting && open.every((imports) => imports === 0)
  return { isIdle, problems: sources.flatMap((source) => source.problems) }
}
