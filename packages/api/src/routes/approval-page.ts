import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { Approvals, Fault, Id, isFault, parse } from '@cloudoptima/core'
import { anonymousContext } from '../admission.ts'
import type { Host } from '../host.ts'

const maxBytes = 64 * 1024

/** Few requests show a page, so it does not delay the start of the others. */
const view = async () => await import('./approval-view.ts')

/** The page of the link in a mail. Looking at it decides nothing: its form does. */
export function approvalPage(host: Host): Hono {
  const app = new Hono()
  const contextOf = (c: Parameters<typeof anonymousContext>[0]) =>
    anonymousContext(c, host, Id.create('req', new Date()))
  app.use(
    bodyLimit({
      maxSize: maxBytes,
      onError: () => {
        throw new Fault('too_large', 'The form is larger than 64 kB.')
      },
    }),
  )
  app.get('/', async (c) => {
    const token = c.req.query('token') ?? ''
    const { headers, pageOf, refusalPage } = await view()
    try {
      return await c.html(pageOf(await Approvals.shown(contextOf(c), token), token), 200, headers)
    } catch (error) {
      return c.html(refusalPage(faultOf(error)), 422, headers)
    }
  })
  app.post('/', async (c) => {
    const form = await c.req.parseBody()
    const { token = '', plan_hash: planHash, decision, confirm, reason } = form
    const { decidedPage, headers, pageOf, refusalPage } = await view()
    try {
      const input = parse(Approvals.Deciding, { token, planHash, decision, confirm, reason })
      return await c.html(decidedPage(await Approvals.decide(contextOf(c), input)), 200, headers)
    } catch (error) {
      const fault = faultOf(error)
      const isUnconfirmed = fault.complaints.some(({ path }) => path === 'confirm')
      if (!isUnconfirmed || typeof token !== 'string') return c.html(refusalPage(fault), 422, headers)
      // The link still works.
      return c.html(pageOf(await Approvals.shown(contextOf(c), token), token, fault.message), 422, headers)
    }
  })
  return app
}

/** Other errors are answered blankly. */
function faultOf(error: unknown): Fault {
  const codes = ['invalid', 'conflict', 'forbidden', 'not_found'] as const
  const known = codes.some((code) => isFault(error, code))
  if (known && error instanceof Fault) return error
  throw error
}
