import { createApp, type Host } from '@cloudoptima/api'
import { Actor, Fault, Identity, type Log, type Runtime, noOrganization, wiring } from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import type { Context as Call } from 'hono'
import { callerOf, type Facing, isFromHere } from './facing.ts'
import { orgId } from '../organization.ts'
import { listen, type Server } from './server.ts'
import type { Services } from '../services/boot.ts'

/** Where the API listens, and what stands before it. */
export interface Listening extends Facing {
  port: number
  /** Takes a free port where `port` is in use, instead of failing. */
  orFreePort: boolean
}

/** Serves the API, and for this machine alone what its outbox holds. */
export async function serveApi(services: Services, log: Log, listening: Listening): Promise<Server> {
  let server: Server | undefined
  const { publicUrl } = listening
  const host: Host = {
    runtime: services.runtime,
    log,
    queues: Object.keys(wiring.queues),
    address: callerOf(listening),
    get publicUrl() {
      return publicUrl ?? server?.url ?? ''
    },
  }
  const app = createApp(host)
  // Who opens the address that the start prints finds the reference.
  for (const path of ['/', '/v1']) app.get(path, (c) => c.redirect('/v1/docs'))
  app.get('/v1/_local/outbox', async (c) => {
    if (!isFromHere(listening, c)) throw new Fault('not_found', `There is nothing at ${c.req.path}.`)
    await demandOwner(services.runtime, log, c)
    return c.json({
      mails: (await services.outbox.list()).map(({ id, to, subject, text, at }) => ({ id, to, subject, text, at })),
    })
  })
  const { url, close } = (server = await listen(app.fetch, listening))
  return { url, close }
}

/** Mails hold tokens of everybody: only the admin of this machine's own organization reads them, and only on this machine. */
async function demandOwner(runtime: Runtime, log: Log, c: Call): Promise<void> {
  const anyone = makeContext({ orgId: noOrganization, actor: Actor.anonymous(), runtime, log })
  const { ctx } = await Identity.authenticate(anyone, c.req.header('Authorization'))
  Actor.require(ctx.actor, 'write:settings')
  if (ctx.orgId !== orgId)
    throw new Fault('forbidden', 'Only the admin of this machine reads its mails: npm start -- outbox shows them too.')
}
