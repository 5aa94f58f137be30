import { createApp, type Host } from '@cloudoptima/api'
import { Actor, Fault, Identity, type Log, type Runtime, noOrganization, wiring } from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import type { Context as Call } from 'hono'
import { callerReader, isFromThisMachine, type ListenOptions } from './exposure.ts'
import { orgId } from '../organization.ts'
import { queuesOf } from '../services/bus.ts'
import { listen, type Server } from './server.ts'
import type { Services } from '../services/boot.ts'

export async function serveApi(services: Services, log: Log, listening: ListenOptions): Promise<Server> {
  let server: Server | undefined
  const { publicUrl } = listening
  const host: Host = {
    runtime: services.runtime,
    log,
    queues: Object.keys(queuesOf(wiring)),
    address: callerReader(listening),
    get publicUrl() {
      return publicUrl ?? server?.url ?? ''
    },
  }
  const app = createApp(host)
  for (const path of ['/', '/v1']) app.get(path, (c) => c.redirect('/v1/docs'))
  app.get('/v1/_local/outbox', async (c) => {
    if (!isFromThisMachine(listening, c)) throw new Fault('not_found', `There is nothing at ${c.req.path}.`)
    await demandOwner(services.runtime, log, c)
    return c.json({
      mails: (await services.mails.list()).map(({ id, to, subject, text, at }) => ({ id, to, subject, text, at })),
    })
  })
  const { url, close } = (server = await listen(app.fetch, listening))
  return { url, close }
}

/** Mails contain tokens of all users, so only the admin of this machine may read them. */
async function demandOwner(runtime: Runtime, log: Log, c: Call) {
  const anyone = makeContext({ orgId: noOrganization, actor: Actor.anonymous(), runtime, log })
  const { ctx } = await Identity.authenticate(anyone, c.req.header('Authorization'))
  Actor.require(ctx.actor, 'write:settings')
  if (ctx.orgId !== orgId)
    throw new Fault(
      'forbidden',
      'Only the admin of this machine may read its mails. Alternatively run: npm start -- mails',
    )
}
