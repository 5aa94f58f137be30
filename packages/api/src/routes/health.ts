import * as z from 'zod'
import { type Complaint, type Context, command, Fault, noOrganization } from '@cloudoptima/core'
import { get, type Route } from '../route.ts'

const Health = z.object({
  status: z.literal('ok'),
  checks: z.array(z.object({ name: z.string(), status: z.literal('ok'), ms: z.number() })),
})

/** Checks the tables and the object store. Throws Fault `unavailable` with the failed checks. */
const check = command('health.get', z.strictObject({}), 'public', async (ctx): Promise<z.infer<typeof Health>> => {
  const tables = await timed(ctx, 'tables', async () => await ctx.runtime.tables.heads.get(noOrganization, 'head'))
  const blobs = await timed(ctx, 'blobs', async () => await ctx.runtime.blobs.list(noOrganization, 'health/'))
  const failed = [tables, blobs].flatMap((one): Complaint[] => ('failed' in one ? [one.failed] : []))
  if ('failed' in tables || 'failed' in blobs)
    throw new Fault('unavailable', 'A health check failed. Try again later.', failed)
  return { status: 'ok', checks: [tables.check, blobs.check] }
})

type Timed = { check: { name: string; status: 'ok'; ms: number } } | { failed: Complaint }

async function timed(ctx: Context, name: string, ask: () => Promise<unknown>): Promise<Timed> {
  const began = performance.now()
  try {
    await ask()
    return { check: { name, status: 'ok', ms: Math.round(performance.now() - began) } }
  } catch (error) {
    ctx.log.error('health check failed', { operation: name, error })
    return { failed: { path: name, message: 'does not answer' } }
  }
}

export const health: readonly Route[] = [
  get('/v1/health', check, {
    summary: 'Check the health of the product',
    description: 'Checks the tables and the object store. 503 lists the failed checks.',
    answer: Health,
    examples: {
      answer: {
        status: 'ok',
        checks: [
          { name: 'tables', status: 'ok', ms: 2 },
          { name: 'blobs', status: 'ok', ms: 4 },
        ],
      },
    },
  }),
]
