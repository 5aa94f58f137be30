import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { problemStates } from '../effects/clouds.ts'
import type { Cloud } from '../kernel/cloud.ts'
import type * as Ledger from './ledger.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    sources: Table<Info>
  }
}

/** `costs`: the query API of a cloud, until the first bill comes. */
export const kinds = ['bills', 'costs', 'inventory', 'utilization'] as const
export const Kind = z.enum(kinds)
export type Kind = z.infer<typeof Kind>

/** How often each is looked at, in minutes. Exports are looked at by their manifests only. */
export const freshness: Record<Kind, number> = { bills: 5, costs: 24 * 60, inventory: 60, utilization: 60 }

/** Query APIs cost money and have narrow limits. */
export const leastMinutes: Record<Kind, number> = { ...freshness, inventory: 15, utilization: 15 }

export const Problem = z.object({
  state: z.enum([...problemStates, 'bill_refused', 'import_failed']).describe('The kind of obstacle.'),
  part: z.string().describe('The part of the account that could not be read.'),
  message: z.string().describe('Says what to do.'),
})
export type Problem = z.infer<typeof Problem>

export const Public = z.object({
  id: z.string(),
  kind: Kind,
  status: z
    .enum(['waiting', 'collecting', 'failing', 'ended'])
    .describe('`failing`: the last collection failed, and its last good data stay. `ended`: nothing is left to do.'),
  everyMinutes: z.int(),
  dueAt: z.string().nullable(),
  lookedAt: z.string().nullable().describe('When the cloud was last asked.'),
  lastSuccessAt: z.string().nullable(),
  failingSince: z.string().nullable(),
  problems: z.array(Problem),
})

/** What is collected of one kind from one cloud account: `{cloud account}/{kind}`. */
export interface Info {
  id: string
  cloudAccountId: string
  provider: Cloud
  accountId: string
  kind: Kind
  everyMinutes: number
  /** The `due` index has it. A request moves it to the time when the request is given up. */
  dueAt?: string
  /** Of the message that may begin the next collection. */
  ticket?: string
  /** The collection that runs. */
  syncId?: string
  lookedAt?: string
  lastSuccessAt?: string
  failingSince?: string
  /** Failed collections in a row. */
  failures: number
  problems: Problem[]
  /** The imports of bills, by delivery. */
  deliveries: Record<string, Delivery>
  /** Of preliminary costs: the account that pays the bill. */
  payerId?: string
  /** Of an inventory: the regions with resources, and when all regions were read. */
  regions?: string[]
  allRegionsAt?: string
  /** Days of utilization of which a part did not answer, and how often they were read so. */
  unreadDays?: Record<string, number>
  /** Calls of looks that found nothing new, not in the ledger yet. */
  uncounted?: Ledger.Entry
}

export interface Delivery {
  period: string
  version: string
  importId: string
  /** With the same version. */
  attempts: number
  /** Why the version is not imported. */
  problem?: Problem
}

export function publicOf(info: Info): z.infer<typeof Public> {
  const { id, kind, everyMinutes, dueAt, lookedAt, lastSuccessAt, failingSince, problems, syncId } = info
  const idle = dueAt === undefined ? 'ended' : failingSince === undefined ? 'waiting' : 'failing'
  return {
    id,
    kind,
    status: syncId === undefined ? idle : 'collecting',
    everyMinutes,
    dueAt: dueAt ?? null,
    lookedAt: lookedAt ?? null,
    lastSuccessAt: lastSuccessAt ?? null,
    failingSince: failingSince ?? null,
    problems,
  }
}

export function idOf(cloudAccountId: string, kind: Kind): string {
  return `${cloudAccountId}/${kind}`
}

export async function ofAccount(ctx: Context, cloudAccountId: string): Promise<Info[]> {
  return await ctx.tables.sources.all(ctx.orgId, `${cloudAccountId}/`)
}

/** Rows for the lake need DuckDB; bills do not, and are looked at so often that they have the small function. */
export function queueOf({ provider, kind }: Pick<Info, 'provider' | 'kind'>): `collect-${Cloud}` | 'processing' {
  return kind === 'inventory' || kind === 'utilization' ? 'processing' : `collect-${provider}`
}

/** A collection that is begun by this message and no other. */
export interface Message {
  sourceId: string
  ticket: string
}

// Longer than a collection takes. A message that got lost is sent again; a late one then begins nothing.
const resendMs = 20 * 60_000
const mostResendMs = 24 * 3600_000

/** When a request or collection is given up: later and later for one whose process is killed each time. */
export function givenUpAt(ctx: Context, { failures }: Pick<Info, 'failures'>): string {
  return new Date(ctx.now().getTime() + Math.min(mostResendMs, resendMs * 2 ** Math.min(failures, 10))).toISOString()
}

/** Neither ended nor being collected. */
export function isFree({ dueAt, syncId }: Info): boolean {
  return dueAt !== undefined && syncId === undefined
}

/** Bills that were not accepted, to be tried again: what they were refused for may be gone. */
export function retried(source: Info): Info {
  const kept = Object.entries(source.deliveries).filter(([, { problem }]) => problem === undefined)
  return { ...source, deliveries: Object.fromEntries(kept) }
}

/** Sends the message of a source; undefined if it is not due or is being collected. */
export async function request(
  ctx: Context,
  sourceId: string,
  isDue: (source: Info) => boolean,
): Promise<Info | undefined> {
  const ticket = ctx.newId('tkt')
  const { before, after } = await ctx.tables.sources.update(ctx.orgId, sourceId, (source) =>
    isDue(source) ? { ...source, ticket, dueAt: givenUpAt(ctx, source) } : undefined,
  )
  if (before === after) return undefined
  const message: Message = { sourceId, ticket }
  await ctx.runtime.queues.send(queueOf(after), message, { orgId: ctx.orgId, deduplicationId: ticket })
  return after
}
