import { expect, test } from 'vitest'
import * as CloudAccounts from '../accounts/cloud-accounts.ts'
import * as Import from '../bills/import.ts'
import type { Context } from '../effects/context.ts'
import { dayOf, monthOf } from '../kernel/calendar.ts'
import * as Id from '../kernel/id.ts'
import * as Snapshot from '../lake/snapshot.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import { dyingAt, interleavedAt, randomOf } from '../testing/processes.ts'
import { lake } from '../testing/purged-lake.ts'
import { type Account, accounts, amountOf, SimulatedBills } from '../testing/simulated-bills.ts'
import * as Collect from './collect.ts'
import { planSources } from './plan.ts'
import * as Schedule from './schedule.ts'

const seeds = Number(process.env['SIMULATION_SEEDS'] ?? 20)
const first = Number(process.env['SIMULATION_FIRST'] ?? 1)
// Many seeds run at a low priority.
const limitMs = process.env['SIMULATION_SEEDS'] === undefined ? 120_000 : 3_600_000
const start = Date.parse('2026-08-20T00:00:00Z')

/** One organization with four accounts, whose clock, queue and workflows the simulation drives. */
async function world(seed: number) {
  const random = randomOf(seed)
  // Ids have a stream of their own, because the number of accesses decides how many are drawn.
  const ofIds = randomOf(-seed)
  const bytes = () => Uint8Array.from({ length: 16 }, () => Math.floor(ofIds() * 256))
  const { ctx: made, runtime } = lake()
  let ms = start
  const cloud = new SimulatedBills(random)
  runtime.cloud = cloud.provider()
  const now = () => new Date(ms)
  const ctx: Context = { ...made, now, newId: (prefix) => Id.create(prefix, now(), bytes()) }
  for (const account of cloud.all()) {
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    const { id } = await CloudAccounts.connectAws(ctx, { roleArn: `arn:aws:iam::${account}:role/Read`, externalId })
    await planSources(ctx, id)
  }
  const pass = (minutes: number) => void (ms += minutes * 60_000)
  /** Each access of a process, and each id, in order: the same for the same seed. */
  const trace: string[] = []
  return { ctx, runtime, cloud, random, pass, trace, month: () => monthOf(dayOf(now())) }
}

type World = Awaited<ReturnType<typeof world>>

/** A process that may be killed at any access to a table or blob. */
function mortal({ ctx, cloud, random, trace }: World): Context {
  let left = random() < cloud.faults ? Math.floor(random() * 60) : Infinity
  return dyingAt(ctx, (noun, verb) => {
    trace.push(`${noun}.${verb}`)
    return left-- <= 0
  })
}

/** Delivers the messages of the queues, in random order, some twice. */
async function consume(world: World): Promise<void> {
  const { runtime, cloud, random } = world
  const messages = runtime.sent.splice(0).toSorted(() => random() - 0.5)
  for (const { data } of messages) {
    const input = Collect.Input.parse(data)
    world.trace.push(JSON.stringify(input))
    const collect = async (ctx = mortal(world)) => await survive(Collect.run(ctx, input))
    const isDouble = random() < cloud.faults
    await collect(isDouble ? interleavedAt(mortal(world), Math.floor(random() * 40), collect) : undefined)
  }
}

/** Runs the imports that were started; a killed one runs again in a later step. */
async function normalize(world: World): Promise<void> {
  for await (const { id } of Import.withStatus(world.ctx, 'running'))
    await survive(Normalize.run(mortal(world), { importId: id }))
}

async function survive(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!/^killed$|collections were not requested/.test((error as Error).message)) throw error
  }
}

async function step(world: World): Promise<void> {
  await survive(Schedule.run(mortal(world), () => false))
  await consume(world)
  await normalize(world)
}

/** Without faults until nothing is left to do. */
async function settle(world: World): Promise<void> {
  const { cloud, pass } = world
  const { faults } = cloud
  cloud.faults = 0
  // The longest backoff is a day and a tenth.
  for (const minutes of [21, 21, 27 * 60, 6, 6]) {
    pass(minutes)
    await step(world)
  }
  cloud.faults = faults
}

/** Whether the query API is still asked: until bills of the account or its payer come, for the last two months. */
function isAsked({ months, exporting }: SimulatedBills, account: string, period: string): boolean {
  const { payer } = accounts[account as Account]
  const hasExport = exporting.has(account as Account) || exporting.has(payer)
  return !hasExport && [...months.keys()].slice(-2).includes(period)
}

/** The visible bills as lines. Preliminary costs have a mark, and amounts only as long as the query API is asked. */
async function visible({ ctx, cloud }: World): Promise<string[]> {
  const { snapshots } = await Snapshot.view(ctx)
  return snapshots
    .map(({ billingAccountId, period, totals, origin }) => {
      if (!origin?.preliminary) return `${billingAccountId} ${period} ${totals[0]?.billed}`
      const amount = isAsked(cloud, billingAccountId, period) ? totals[0]?.billed : ''
      return `preliminary ${billingAccountId} ${period} ${amount}`
    })
    .toSorted()
}

/** Every bill; preliminary costs where there is none, which stay as they are when the query API is not asked any more. */
function expectedOf({ cloud }: World, known: readonly string[]): string[] {
  const bills = cloud.invoice()
  const hasBill = (account: string, period: string) =>
    bills.some((line) => line.startsWith(`${accounts[account as Account].payer} ${period} `))
  const asked = [...cloud.months].flatMap(([period, { charges }]) =>
    cloud
      .all()
      .filter((account) => isAsked(cloud, account, period) && !hasBill(account, period))
      .map((account) => `preliminary ${account} ${period} ${amountOf(cloud.answered(account, charges))}`),
  )
  const kept = known.filter((line) => {
    const [mark, account = '', period = ''] = line.split(' ')
    return mark === 'preliminary' && !isAsked(cloud, account, period) && !hasBill(account, period)
  })
  const isOfPayer = (line: string) => {
    const [, account = '', period = ''] = line.split(' ')
    const { payer } = accounts[account as Account]
    return payer !== account && known.some((other) => other.startsWith(`preliminary ${payer} ${period} `))
  }
  return [...bills, ...[...asked, ...kept].filter((line) => !isOfPayer(line))].toSorted()
}

/** Why sources have no bill, for the message of a failed seed. */
async function problemsOf({ ctx }: World): Promise<string[]> {
  const sources = await ctx.tables.sources.all(ctx.orgId)
  return sources.map(({ id, failures, problems, deliveries }) => JSON.stringify({ id, failures, problems, deliveries }))
}

async function simulate(seed: number) {
  const rounds: { lines: string[]; expected: string[]; problems: string[] }[] = []
  const simulated = await world(seed)
  const { cloud, random, pass, month } = simulated
  cloud.faults = 0.15
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 4; n++) {
      pass(5 + Math.floor(random() * 12 * 24 * 60))
      cloud.charge(month())
      if (random() < 0.7) cloud.export()
      await step(simulated)
    }
    for (const account of ['000000000001', '000000000003', '000000000004'] as const)
      if (random() < 0.4) cloud.exporting.add(account)
    await settle(simulated)
    const lines = await visible(simulated)
    rounds.push({ lines, expected: expectedOf(simulated, lines), problems: await problemsOf(simulated) })
  }
  return { rounds, trace: simulated.trace }
}

const atOnce = 10
const batches = Array.from({ length: Math.ceil(seeds / atOnce) }, (_, n) => first + n * atOnce)

test.each(batches)(
  'from seed %i on: after faults of all kinds the lake has what the cloud would invoice, to the last digit',
  async (batch) => {
    const size = Math.min(atOnce, first + seeds - batch)
    const ids = Array.from({ length: size }, (_, n) => batch + n)
    await Promise.all(
      ids.map(async (seed) => {
        for (const [round, { lines, expected, problems }] of (await simulate(seed)).rounds.entries()) {
          const replay = `To replay exactly this: npm run simulate -- 1 ${seed}`
          expect({ seed, round, lines }, [replay, ...problems].join('\n')).toEqual({ seed, round, lines: expected })
        }
      }),
    )
  },
  limitMs,
)

test(
  'a seed replays exactly, also beside others: each access and each id',
  async () => {
    const together = await Promise.all([first, first + 1, first + 2].map(simulate))
    for (const [n, { trace }] of together.entries()) {
      expect(trace.length).toBeGreaterThan(500)
      expect((await simulate(first + n)).trace).toEqual(trace)
    }
  },
  limitMs,
)
