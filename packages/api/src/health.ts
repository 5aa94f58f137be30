import * as z from 'zod'
import { type Complaint, type Context, command, Fault, Snapshot } from '@cloudoptima/core'
import { get, type Route } from './route.ts'

const Health = z.object({
  status: z.literal('ok'),
  lakeVersion: z.number().int().describe('Grows with every import that changes the lake.'),
  checks: z.array(z.object({ name: z.string(), status: z.literal('ok'), ms: z.number() })),
})

/** Asks the tables and the object store; throws Fault `unavailable` naming which of them does not answer. */
const check = command(z.strictObject({}), 'public', async (ctx): Promise<z.infer<typeof Health>> => {
  const tables = await timed(ctx, 'tables', async () => await Snapshot.head(ctx))
  const blobs = await timed(ctx, 'blobs', async () => await ctx.runtime.blobs.list(ctx.orgId, 'health/'))
  const failed = [tables, blobs].flatMap((one): Complaint[] => ('failed' in one ? [one.failed] : []))
  if ('failed' in tables || 'failed' in blobs) throw new Fault('unavailable', 'A part of the product does not answer.', failed)
  return { status: 'ok', lakeVersion: tables.value.version, checks: [tables.check, blobs.check] }
})

type Timed<Value> = { value: Value; check: { name: string; status: 'ok'; ms: number } } | { failed: Complaint }

async function timed<Value>(ctx: Context, name: string, ask: () => Promise<Value>): Promise<Timed<Value>> {
  const began = performance.now()
  try {
    const value = await ask()
    return { value, check: { name, status: 'ok', ms: Math.round(performance.now() - began) } }
  } catch (error) {
    ctx.log.error('health check failed', { operation: name, error })
    return { failed: { path: name, message: 'does not answer' } }
  }
}

export const health: readonly Route[] = [
  get('/v1/health', check, {
    id: 'health.get',
    summary: 'Whether the product answers',
    description: 'Reads the lake version from the tables and asks the object store. 503 names what does not answer.',
    answer: Health,
    examples: {
      answer: {
        status: 'ok',
        lake_version: 3,
        checks: [
          { name: 'tables', status: 'ok', ms: 2 },
          { name: 'blobs', status: 'ok', ms: 4 },
        ],
      },
    },
  }),
]
