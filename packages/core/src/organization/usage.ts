import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import { type Limit, quotas, type Tier, tierOf } from './tier.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    usage: Table<Info>
  }
}

/** One item, so that concurrent steps never exceed a quota. */
export interface Info {
  id: 'imports'
  /** By import. */
  active: Record<string, Active>
  day: string
  bytesToday: number
  /** Of ended deliveries. */
  keptBytes: number
}

export interface Active {
  bytes: number
  since: string
  /** Undefined while bytes are missing. */
  runsSince?: string | undefined
}

type Used = Record<Limit, number>

const Shown = z.object({ used: z.number(), limit: z.number() })

/** What an organization uses of its quotas. */
export const Public = z.object({
  openDeliveries: Shown.describe('Deliveries whose bytes are missing.'),
  runningDeliveries: Shown.describe('Deliveries in the pipeline.'),
  bytesToday: Shown.describe('Bytes announced on this UTC day.'),
  storedBytes: Shown.describe('Bytes of all deliveries that are kept, open or running.'),
})

export const id = 'imports'

export async function shown(ctx: Context, tier: Tier): Promise<z.infer<typeof Public>> {
  const used = usedOf(await load(ctx), dayOf(ctx))
  const entries = Object.entries(quotas[tier]) as [Limit, number][]
  return Public.parse(Object.fromEntries(entries.map(([name, limit]) => [name, { used: used[name], limit }])))
}

/** Throws Fault `conflict` or `rate_limited` beyond a quota. */
export async function open(ctx: Context, importId: string, bytes: number): Promise<void> {
  await take(ctx, ['openDeliveries', 'bytesToday', 'storedBytes'], (usage) => {
    if (usage.active[importId]) return undefined
    const active = { ...usage.active, [importId]: { bytes, since: ctx.now().toISOString() } }
    return { ...usage, active, bytesToday: usage.bytesToday + bytes }
  })
}

// A start renews its claim every 10 s. That of a killed process blocks the next start no longer than 30 s.
const claimMs = 30_000
const renewMs = 10_000

export interface Claim {
  /** Throws Fault `conflict` if another request took the claim over. */
  hold(): Promise<void>
  /** Unless another request took the claim over. */
  release(): Promise<void>
}

/** Undefined if another request is starting it. Throws Fault as {@link open}. */
export async function run(ctx: Context, importId: string, bytes: number): Promise<Claim | undefined> {
  const runsSince = ctx.now().toISOString()
  const { before, after } = await take(ctx, ['runningDeliveries'], (usage) => {
    const known = usage.active[importId] ?? { bytes, since: runsSince }
    if (ctx.now().getTime() - Date.parse(known.runsSince ?? '') < claimMs) return undefined
    return { ...usage, active: { ...usage.active, [importId]: { ...known, runsSince } } }
  })
  return before === after ? undefined : claimOf(ctx, importId, runsSince)
}

function claimOf(ctx: Context, importId: string, taken: string): Claim {
  let held = taken
  let renewing: Promise<void> | undefined
  const replace = async (runsSince: string | undefined) => {
    const { before, after } = await edit(ctx, (usage) => {
      const known = usage.active[importId]
      if (known?.runsSince !== held) return undefined
      return { ...usage, active: { ...usage.active, [importId]: { ...known, runsSince } } }
    })
    return before !== after
  }
  const renew = async () => {
    const now = ctx.now().toISOString()
    if (!(await replace(now))) throw new Fault('conflict', 'Another request starts this import.', [], 1)
    held = now
  }
  return {
    async hold() {
      if (ctx.now().getTime() - Date.parse(held) < renewMs) return
      renewing ??= renew().finally(() => (renewing = undefined))
      await renewing
    },
    release: async () => void (await replace(undefined)),
  }
}

/** Once; its bytes stay in the count if they are kept. */
export async function end(ctx: Context, importId: string, isKept: boolean): Promise<void> {
  await edit(ctx, (usage) => {
    const { [importId]: ended, ...active } = usage.active
    return ended && { ...usage, active, keptBytes: usage.keptBytes + (isKept ? ended.bytes : 0) }
  })
}

/** Of ended deliveries. */
export async function free(ctx: Context, bytes: number): Promise<void> {
  await edit(ctx, (usage) => ({ ...usage, keptBytes: Math.max(0, usage.keptBytes - bytes) }))
}

export async function load(ctx: Context): Promise<Info> {
  return (await ctx.tables.usage.get(ctx.orgId, id)) ?? none
}

const none: Info = { id, active: {}, day: '', bytesToday: 0, keptBytes: 0 }

export async function edit(ctx: Context, change: (usage: Info) => Info | undefined) {
  const day = dayOf(ctx)
  // The clock of another process may be behind at midnight.
  return await ctx.tables.usage.upsert(ctx.orgId, id, (known = none) =>
    change(known.day >= day ? known : { ...known, day, bytesToday: 0 }),
  )
}

async function take(ctx: Context, limits: readonly Limit[], change: (usage: Info) => Info | undefined) {
  // The product itself and the operator of a machine have no quotas.
  const tier = ctx.actor.kind === 'system' ? undefined : await tierOf(ctx)
  return await edit(ctx, (usage) => {
    const next = change(usage)
    if (next && tier)
      for (const limit of limits) refuse(ctx, tier, limit, usedOf(usage, next.day), usedOf(next, next.day))
    return next
  })
}

function usedOf({ active, day, bytesToday, keptBytes }: Info, today: string): Used {
  const all = Object.values(active)
  const runningDeliveries = all.filter(({ runsSince }) => runsSince !== undefined).length
  return {
    openDeliveries: all.length - runningDeliveries,
    runningDeliveries,
    bytesToday: day >= today ? bytesToday : 0,
    storedBytes: all.reduce((sum, { bytes }) => sum + bytes, keptBytes),
  }
}

const refusals: Record<Limit, { of: string; advice: string }> = {
  openDeliveries: {
    of: 'open deliveries',
    advice: 'Upload and start one of them; one that waits for a day is removed.',
  },
  runningDeliveries: { of: 'running deliveries', advice: 'Start this one again when one of them has ended.' },
  bytesToday: { of: 'bytes a day (UTC)', advice: 'Announce this delivery tomorrow, or compress it.' },
  storedBytes: { of: 'stored bytes', advice: 'Compress the delivery, or purge accounts that you no longer need.' },
}

function refuse(ctx: Context, tier: Tier, name: Limit, before: Used, after: Used) {
  const limit = quotas[tier][name]
  if (after[name] <= limit) return
  const { of, advice } = refusals[name]
  const figure = (n: number) => n.toLocaleString('en')
  const asked = after[name] - before[name]
  const message =
    `The tier ${tier} has at most ${figure(limit)} ${of}: ${figure(before[name])} are in use, and this needs ` +
    `${figure(asked)} more. ${advice} For a higher tier, ask the operator.`
  if (name !== 'bytesToday') throw new Fault('conflict', message)
  const now = ctx.now()
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
  throw new Fault('rate_limited', message, [], Math.ceil((midnight - now.getTime()) / 1000))
}

function dayOf(ctx: Context) {
  return ctx.now().toISOString().slice(0, 10)
}
