import { type Context as Call, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Context, Fault, Id, type Log } from '@cloudoptima/core'
import { costs } from './costs.ts'
import { reference } from './docs.ts'
import { health } from './health.ts'
import { imports } from './imports.ts'
import { documentOf } from './openapi.ts'
import { blankProblem, problemOf } from './problem.ts'
import { inputOf } from './request.ts'
import type { Route } from './route.ts'

/** What an app needs from its host. */
export interface Host {
  /** Whose request this is, and through what it may act. Called once for each request of an operation. */
  context(request: Request, requestId: string): Context | Promise<Context>
  /** For what happens outside any context. */
  log: Log
}

interface Env {
  Variables: { requestId: string; ctx?: Context; route?: Route; input?: unknown }
}

/** Every operation there is. Which function serves which path is decided before the app: the contract is whole in each of them. */
export const routes: readonly Route[] = [...costs, ...imports, ...health]

/** The HTTP API: the same on Lambda and on one machine. */
export function createApp(host: Host): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (c, next) => {
    const given = c.req.header('X-Request-Id') ?? ''
    const requestId = /^[\w.:-]{1,128}$/.test(given) ? given : Id.create('req', new Date())
    c.set('requestId', requestId)
    c.header('X-Request-Id', requestId)
    c.header('X-Content-Type-Options', 'nosniff')
    const began = performance.now()
    await next()
    const log = c.get('ctx')?.log ?? host.log
    log.info('request', { requestId, method: c.req.method, path: c.req.path, status: c.res.status, durationMs: Math.round(performance.now() - began) })
  })
  for (const route of routes) app.on(route.method, honoPath(route.path), (c) => serve(c, route, host))
  serveContract(app)
  refuseOtherMethods(app)
  app.notFound((c) => fail(c, new Fault('not_found', `There is nothing at ${c.req.path}.`), host))
  app.onError((error, c) => fail(c, error, host))
  return app
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

async function serve(c: Call<Env>, route: Route, host: Host): Promise<Response> {
  c.set('route', route)
  const ctx = await host.context(c.req.raw, c.get('requestId'))
  c.set('ctx', ctx)
  const input = await inputOf(c.req.raw, route, c.req.param())
  c.set('input', input)
  if (route.ask) return await serveQuestion(c, route, await route.ask(ctx, input))
  c.header('Cache-Control', 'no-store')
  return json(c, JSON.stringify(route.encode(await route.call(ctx, input))), route.contract.status)
}

// What was written for an answer that is still remembered need not be written again.
const texts = new WeakMap<object, string>()

async function serveQuestion(c: Call<Env>, route: Route, asked: Awaited<ReturnType<NonNullable<Route['ask']>>>): Promise<Response> {
  c.header('Cache-Control', 'private, no-cache')
  c.header('ETag', `"${asked.tag}"`)
  const held = c.req.header('If-None-Match')?.trim()
  if (isKnown(held, asked.tag)) return c.body(null, 304)
  const { tag, value } = await asked.answer()
  c.header('ETag', `"${tag}"`)
  // Any answer is known to who says *, but a question that is refused has none.
  if (held === '*') return c.body(null, 304)
  const text = texts.get(value) ?? JSON.stringify(route.encode(value))
  texts.set(value, text)
  return json(c, text)
}

/** Whether one of the tags that the asker holds is this one. */
function isKnown(held: string | undefined, tag: string): boolean {
  return held !== undefined && held.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${tag}"`)
}

function json(c: Call<Env>, text: string, status: ContentfulStatusCode = 200, type = 'application/json'): Response {
  c.header('Content-Type', type)
  return c.body(text, status)
}

function serveContract(app: Hono<Env>): void {
  const text = JSON.stringify(documentOf(routes))
  app.get('/v1/openapi.json', (c) => json(c, text))
  app.route('/v1/docs', reference())
}

function refuseOtherMethods(app: Hono<Env>): void {
  const contract = ['/v1/openapi.json', '/v1/docs', '/v1/docs/{file}'].map((path) => ({ method: 'get', path }))
  const methods = Map.groupBy([...routes, ...contract], ({ path }) => path)
  for (const [path, allowed] of methods) {
    const names = allowed.map(({ method }) => method.toUpperCase()).join(', ')
    app.all(honoPath(path), (c) => {
      c.header('Allow', names)
      throw new Fault('method_not_allowed', `${c.req.path} answers ${names} only.`)
    })
  }
}

function fail(c: Call<Env>, error: unknown, host: Host): Response {
  const requestId = c.get('requestId')
  const problem = error instanceof Fault ? problemOf(error, requestId, c.get('route'), c.get('input')) : blankProblem(requestId)
  if (!(error instanceof Fault)) (c.get('ctx')?.log ?? host.log).error('request failed', { requestId, error })
  c.header('ETag')
  c.header('Cache-Control', 'no-store')
  if (problem.status === 503) c.header('Retry-After', '5')
  return json(c, JSON.stringify(problem), problem.status as ContentfulStatusCode, 'application/problem+json')
}
