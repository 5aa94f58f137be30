import { ecbUrl, type Import, isFault, Snapshot } from '@cloudoptima/core'
import { orgId, sampleOrgId, servedOrgId } from '../../organization.ts'
import { startProduct, type Product } from '../../product.ts'
import { disconnectAll } from '../../invented/connect.ts'
import { runImport, deliver } from '../deliver.ts'
import { type Interrupt, interrupted, onInterrupt } from '../interrupt.ts'
import { inFolder, invitation } from '../invitation.ts'
import { defaultPort, type StartOptions } from '../options.ts'
import { note, print, printJson, style, count, periods } from '../output.ts'
import { overviewText } from '../overview.ts'
import { paired } from '../pairs.ts'
import { deliveriesOf, leftOutText, type Delivery, type Refusal } from '../paths.ts'
import { createReporter, type Reporter } from '../progress.ts'
import { collectSample, type ConnectRest, type Session } from '../sample.ts'
import { fileResults, importReport, replacedBills, replacedWithin } from '../report.ts'
import { totalsOf } from '../totals.ts'

export async function start(options: StartOptions): Promise<number> {
  const { host, publicUrl, trustProxy } = options
  const { deliveries, refusals, leftOut, notes } = await deliveriesOf(options.import ?? [])
  const started = await startProduct({
    dataDir: options.data,
    port: options.port ?? defaultPort,
    host,
    publicUrl,
    trustProxy,
    orFreePort: options.once === true && options.port === undefined,
    orgId: options.import && orgId,
    // A start that only shows known costs has all cores for it.
    holdsWork: deliveries.length === 0,
    // Short-lived commands fetch nothing, and an empty address switches it off.
    exchangeRatesUrl: options.once ? undefined : (process.env['EXCHANGE_RATES_URL'] ?? ecbUrl) || undefined,
  })
  const interrupt = onInterrupt(started)
  if (leftOut.length > 0) note(leftOutText(leftOut))
  for (const sentence of notes) note(sentence)
  try {
    const reporter = createReporter()
    const wasSample = (await servedOrgId(started.services.runtime)) === sampleOrgId
    await finishInterrupted(started, reporter, interrupt)
    const product = await withShownOrganization(started, options)
    const session = { reporter, interrupt }
    const { imports, rejected } = await importAll(product, deliveries, options, session)
    refusals.push(...rejected)
    let connectRest: ConnectRest | undefined
    if (product.ctx.orgId === sampleOrgId) {
      if (!product.services.attached) connectRest = await collectSample(product, options.once === true, session)
    } else if ((await Snapshot.head(product.ctx)).version > 0) {
      await disconnectAll({ ...product.ctx, orgId: sampleOrgId })
      if (wasSample) note("The sample's invented costs are not shown any more.")
    }
    const ofImports = imports.flatMap(({ notes = [] }) => notes)
    for (const sentence of ofImports) note(sentence)
    await printResult(product, { imports, refusals, notes: [...notes, ...ofImports] }, options)
    for (const warning of replacedWithin(imports)) note(style.yellow(warning))
    product.work()
    if (options.once) await connectRest?.(interrupt.signal)
    else await serve(product, options, interrupt, connectRest)
    return imports.some(({ status }) => status === 'refused') || refusals.length > 0 ? 2 : 0
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    await interrupt.canceled()
    return interrupted
  } finally {
    interrupt.dispose()
    await started.close()
  }
}

async function finishInterrupted(product: Product, reporter: Reporter, interrupt: Interrupt) {
  for (const { ctx, id } of product.interrupted) {
    // Nobody waits for the bills of the sample.
    if (ctx.orgId === sampleOrgId) continue
    product.work()
    reporter.begin(`Resuming the interrupted import ${id}`)
    const run = () => runImport({ ...product, ctx }, id, reporter)
    const { status, reason } = await interrupt.during(ctx, id, run)
    reporter.end(reason ? `${status}: ${reason}` : status)
  }
}

/** Shows the machine's own organization if it has or gets bills, otherwise the sample. */
async function withShownOrganization(product: Product, options: StartOptions): Promise<Product> {
  const served = options.import ? orgId : await servedOrgId(product.services.runtime)
  const own = { ...product, ctx: { ...product.ctx, orgId: served } }
  const isEmpty = !options.import && (await Snapshot.head(own.ctx)).version === 0
  return isEmpty ? { ...own, ctx: { ...own.ctx, orgId: sampleOrgId } } : own
}

/** `rejected` are the deliveries that no import may begin with, such as one of too many files. */
async function importAll(
  product: Product,
  deliveries: readonly Delivery[],
  options: StartOptions,
  session: Session,
): Promise<{ imports: Import.Info[]; rejected: Refusal[] }> {
  const imports: Import.Info[] = []
  const rejected: Refusal[] = []
  for (const delivery of await paired(deliveries, product.ctx.runtime.workspace)) {
    try {
      imports.push(succeeded(await deliver(product, delivery, { replace: options.replace === true, ...session })))
    } catch (error) {
      if (!isFault(error, 'invalid')) throw error
      session.reporter.end(`refused: ${error.message}`)
      rejected.push({ path: delivery.argument, reason: error.message })
    }
  }
  return { imports, rejected }
}

/** A failed import is a bug or an outage; a refused one is the bill's fault and is reported. */
function succeeded(info: Import.Info): Import.Info {
  if (info.status === 'failed') throw new Error(info.reason ?? `Import ${info.id} failed.`)
  return info
}

async function printResult(
  product: Product,
  { imports, refusals, notes }: { imports: readonly Import.Info[]; refusals: readonly Refusal[]; notes: string[] },
  options: StartOptions,
) {
  const { json, once } = options
  const view = await Snapshot.view(product.ctx)
  const totals = totalsOf(view)
  if (json) {
    const results = { imports: fileResults(imports, refusals), replaced: replacedBills(imports) }
    return printJson({ ...results, notes, totals, api: product.api })
  }
  if (imports.length + refusals.length === 0) print(contentText(view, options.data))
  print(importReport(imports, refusals, totals))
  if (once || totals.length === 0) return
  const overview = { granularity: 'monthly', groupBy: 'service', metric: 'effective', limit: 12 } as const
  print(await overviewText(product.ctx, { ...overview, filters: [] }))
}

function contentText({ snapshots, lakeVersion }: Snapshot.View, data: string) {
  const rows = snapshots.reduce((sum, snapshot) => sum + snapshot.rows, 0)
  const months = periods(snapshots.map(({ period }) => period))
  return (
    `${data} holds ${count(rows)} rows in ${count(snapshots.length)} partitions, ${months}, at lake version ` +
    `${lakeVersion}.`
  )
}

async function serve(product: Product, options: StartOptions, interrupt: Interrupt, connectRest?: ConnectRest) {
  const { json } = options
  if (product.services.attached) {
    const { port, host, publicUrl, trustProxy } = options
    const isAsked = [port, host, publicUrl, trustProxy].some((option) => option !== undefined)
    const ignored = isAsked ? ' To serve with other options, end that process first.' : ''
    note(`Another process already serves this data folder${product.api ? ` at ${product.api}` : ''}.${ignored}`)
    return
  }
  if (!json) {
    print(await invitation(product, options))
    product.services.mails.onMail(({ to, subject }) =>
      note(`Mail to ${to}: ${subject}. Read it with: npm start -- mails${inFolder(options.data)}`),
    )
  }
  const ending = new AbortController()
  const connecting = connectRest?.(ending.signal).catch((error: unknown) => {
    product.ctx.log.error('accounts of the sample were not connected', { error })
    note(style.yellow('Some accounts of the sample could not be connected. The next start tries it again.'))
  })
  await interrupt.serving()
  ending.abort()
  await connecting
}
