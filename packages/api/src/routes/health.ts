import * as z from 'zod'
import { type Complaint, command, Fault, noOrganization } from '@cloudoptima/core'
import { get, type Route } from '../route.ts'

const Health = z.object({
  status: z.literal('ok'),
  checks: z.array(z.object({ name: z.string(), status: z.literal('ok'), ms: z.number() })),
  queues: z
    .array(
      z.object({
        queue: z.string(),
        waiting: z.int(),
        inFlight: z.int(),
        delayed: z.int(),
        oldestSeconds: z.int().nullable(),
        dead: z.int(),
      }),
    )
    .optional()
    .describe('Messages in each queue; on one machine only.'),
})
type Health = z.infer<typeof Health>

/** The host names the queues, never a caller. */
const Input = z.strictObject({ queues: z.array(z.string()).default([]) })

/** Throws Fault `unavailable` with the failed checks. */
const check = command('health.get', Input, 'public', async (ctx, { queues: names }): Promise<Health> => {
  const checks: Health['checks'] = []
  const failed: Complaint[] = []
  const ask = async <Answer>(name: string, call: () => Promise<Answer>): Promise<Answer | undefined> => {
    const began = performance.now()
    try {
      const answer = await call()
      checks.push({ name, status: 'ok', ms: Math.round(performance.now() - began) })
      return answer
    } catch (error) {
      ctx.log.error('health check failed', { operation: name, error })
      failed.push({ path: name, message: 'does not answer' })
      return undefined
    }
  }
  await ask('tables', () => ctx.tables.heads.get(noOrganization, 'head'))
  await ask('blobs', () => ctx.runtime.blobs.list(noOrganization, 'health/'))
  const queues = names.length > 0 ? await ask('queues', () => ctx.runtime.queues.depths(names)) : undefined
  if (failed.length > 0) throw new Fault('unavailable', 'A health check failed. Try again later.', failed)
  return { status: 'ok', checks, queues }
})

export const health: readonly Route[] = [
  get(
    '/v1/health',
    check,
    {
      summary: 'Check the health of the product',
      description:
        'Checks the tables and the object store, on one machine also the queues. 503 lists the failed checks.',
      answer: Health,
      response: {
        status: 'ok',
        checks: [
          { name: 'tables', status: 'ok', ms: 2 },
          { name: 'blobs', status: 'ok', ms: 4 },
        ],
      },
    },
    {
      input: z.strictObject({}),
      read: ({ url }, _path, { queues = [] }) => ({ ...Object.fromEntries(new URL(url).searchParams), queues }),
    },
  ),
]
