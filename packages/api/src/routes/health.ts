import * as z from 'zod'
import { type Complaint, type Context, command, Fault, noOrganization } from '@cloudoptima/core'
import { get, type Route } from '../route.ts'

const Health = z.object({
  status: z.literal('ok'),
  checks: z.array(z.object({ name: z.string(), status: z.literal('ok'), ms: z.number() })),
  queues: z
    .array(
      z.object({
        queue: z.string(),
        waiting: z.number().int(),
        inFlight: z.number().int(),
        delayed: z.number().int(),
        oldestSeconds: z.number().int().nullable(),
        dead: z.number().int(),
      }),
    )
    .optional()
    .describe('Messages in each queue; on one machine only.'),
})

/** The host names the queues, never a caller. */
const Input = z.strictObject({ queues: z.array(z.string()).default([]) })

/** Checks the tables, the object store and the host's queues; throws Fault `unavailable` with the failed checks. */
const check = command('health.get', Input, 'public', async (ctx, input): Promise<z.infer<typeof Health>> => {
  const tables = await timed(ctx, 'tables', async () => await ctx.tables.heads.get(noOrganization, 'head'))
  const blobs = await timed(ctx, 'blobs', async () => await ctx.runtime.blobs.list(noOrganization, 'health/'))
  const hasQueues = input.queues.length > 0
  const queues = await timed(ctx, 'queues', async () =>
    hasQueues ? await ctx.runtime.queues.depths(input.queues) : [],
  )
  const failed = [tables, blobs, queues].flatMap((one): Complaint[] => ('failed' in one ? [one.failed] : []))
  if ('failed' in tables || 'failed' in blobs || 'failed' in queues)
    throw new Fault('unavailable', 'A health check failed. Try again later.', failed)
  const checks = [tables.check, blobs.check]
  return {
    status: 'ok',
    checks: hasQueues ? [...checks, queues.check] : checks,
    ...(hasQueues && { queues: queues.answer }),
  }
})

type Timed<Answer> = { check: { name: string; status: 'ok'; ms: number }; answer: Answer } | { failed: Complaint }

async function timed<Answer>(ctx: Context, name: string, ask: () => Promise<Answer>): Promise<Timed<Answer>> {
  const began = performance.now()
  try {
    const answer = await ask()
    return { check: { name, status: 'ok', ms: Math.round(performance.now() - began) }, answer }
  } catch (error) {
    ctx.log.error('health check failed', { operation: name, error })
    return { failed: { path: name, message: 'does not answer' } }
  }
}

export const health: readonly Route[] = [
  get(
    '/v1/health',
    check,
    {
      summary: 'Check the health of the product',
      description:
        'Checks the tables and the object store, on one machine also the queues. 503 lists the failed checks.',
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
    },
    {
      input: z.strictObject({}),
      read: ({ url }, _path, { queues = [] }) => ({ ...Object.fromEntries(new URL(url).searchParams), queues }),
    },
  ),
]
