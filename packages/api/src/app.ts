import { type Context as Call, Hono } from 'hono'
import { cors } from 'hono/cors'
import { Actor, type Context, type Cost, Fault, Id, Idempotency, parse, RateLimit } from '@cloudoptima/core'
import { type Admission, admissionOf, anonymousContext } from './admission.ts'
import { documentOf } from './openapi.ts'
import { reference } from './routes/docs.ts'
import { addMissing, securityHeaders } from './headers.ts'
import type { Host } from './host.ts'
import { blankProblem, problemOf } from './problem.ts'
import { inputOf } from './request.ts'
import { type Route, takesKey } from './route.ts'
import { routes } from './routes.ts'

interface Env {
  /** `isSent`: the answer has the collected `headers`. */
  Variables: {
    requestId: string
    headers: Record<string, string>
    isSent?: true
    ctx?: Context
    route?: Route
    input?: unknown
  }
}

type Request = Call<Env>

/** Creates the HTTP API, for Lambda and for one machine. */
export function createApp(host: Host): Hono<Env> {
  const app = new Hono<Env>()
  const always = securityHeaders(host)
  app.use(async (c, next) => {
    const given = c.req.header('X-Request-Id') ?? ''
    const requestId = /^[\w.:-]{1,128}$/.test(given) ? given : Id.create('req', new Date())
    c.set('requestId', requestId)
    c.set('headers', { ...always, 'X-Request-Id': requestId })
    const began = performance.now()
    await next()
    // Preflights, the reference and the host's own routes do not pass through send().
    if (!c.get('isSent')) addMissing(c, c.get('headers'))
    const log = c.get('ctx')?.log ?? host.log
    log.info('request', {
      requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs: Math.round(performance.now() - began),
    })
  })
  if (host.corsOrigins && host.corsOrigins.length > 0) app.use(crossOrigin([...host.corsOrigins]))
  for (const route of routes) app.on(route.method, honoPath(route.path), (c) => serve(c, route, host))
  serveContract(app)
  refuseOtherMethods(app)
  app.notFound((c) => fail(c, new Fault('not_found', `The path ${c.req.path} does not exist. See /v1/docs.`), host))
  app.onError((error, c) => fail(c, error, host))
  return app
}

const ownHeaders = ['ETag', 'X-Request-Id', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'Retry-After']

/** CORS without credentials: a page sends its token in a header, so cookies never cross origins. */
function crossOrigin(origin: string[]) {
  const allowHeaders = ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-None-Match', 'X-Request-Id']
  return cors({
    origin,
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowHeaders,
    exposeHeaders: ownHeaders,
    credentials: false,
    maxAge: 600,
  })
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

async function serve(c: Request, route: Route, host: Host): Promise<Response> {
  c.set('route', route)
  const anonymous = anonymousContext(c, host, c.get('requestId'))
  c.set('ctx', anonymous)
  const admission = await admissionOf(anonymous, route, c.req.header('Authorization'))
  const { ctx } = admission
  c.set('ctx', ctx)
  const read = async (): Promise<unknown> => {
    const input = route.read
      ? route.read(c.req.raw, c.req.param(), host)
      : await inputOf(c.req.raw, route, c.req.param())
    c.set('input', input)
    return input
  }
  const { ask } = route
  // Counted before the refusal is audited, so that a client over its limit writes no audit entries.
  if (!ask || !Actor.may(ctx.actor, route.permission)) await count(c, admission)
  await route.admit(ctx)
  if (!ask) return await answer(c, route, ctx, await read(), host)
  return await answerQuestion(
    c,
    route,
    admission,
    await countFailure(c, admission, async () => await ask(ctx, await read())),
  )
}

/** Counts a refused question; an answered one is counted with its answer. */
async function countFailure<Value>(c: Request, admission: Admission, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask()
  } catch (error) {
    await count(c, admission)
    throw error
  }
}

async function answer(c: Request, route: Route, ctx: Context, input: unknown, host: Host): Promise<Response> {
  const { status = 200, cacheSeconds, isSecret = false, idempotency } = route.contract
  const key = takesKey(route) ? c.req.header('Idempotency-Key') : undefined
  const call = async (as: Context) => await route.call(as, input)
  // Checked first: an invalid request must not reserve a key.
  if (key !== undefined) parse(route.input, input)
  const value =
    key === undefined
      ? await call(ctx)
      : await Idempotency.once(
          ctx,
          { key: keyOf(key), request: [route.id, input], isSecret, isRecomputed: idempotency === 'rerun' },
          call,
        )
  Object.assign(
    c.get('headers'),
    cacheSeconds !== undefined && { 'Cache-Control': `public, max-age=${cacheSeconds}` },
    route.headers?.(value, host),
  )
  if (status === 302) return send(c, null, status)
  return json(c, JSON.stringify(route.encode(value)), status)
}

function keyOf(key: string): string {
  const checked = Idempotency.Key.safeParse(key)
  if (checked.success) return checked.data
  const message = checked.error.issues[0]?.message ?? 'is not valid'
  throw new Fault('invalid', `The header Idempotency-Key ${message}.`, [{ path: 'Idempotency-Key', message }])
}

async function count(c: Request, { ctx, limit }: Admission): Promise<void> {
  if (!limit) return
  // Set first, so that a 429 has them too.
  setLimitHeaders(c, RateLimit.peek(ctx, limit))
  setLimitHeaders(c, await RateLimit.spend(ctx, limit))
}

function setLimitHeaders(c: Request, { limit, remaining, resetSeconds }: RateLimit.Left): void {
  Object.assign(c.get('headers'), {
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(resetSeconds),
  })
}

const encodedAnswers = new WeakMap<object, string>()

async function answerQuestion(
  c: Request,
  route: Route,
  admission: Admission,
  asked: Cost.Asked<object>,
): Promise<Response> {
  const headers = c.get('headers')
  Object.assign(headers, { 'Cache-Control': 'private, no-cache', ETag: `"${asked.tag}"` })
  const ifNoneMatch = c.req.header('If-None-Match')?.trim()
  const isCurrent = matches(ifNoneMatch, asked.tag)
  // A 304 and a cached answer cost no query, so they do not count.
  if (!isCurrent && !asked.isRemembered) await count(c, admission)
  else if (admission.limit) setLimitHeaders(c, RateLimit.peek(admission.ctx, admission.limit))
  if (isCurrent) return send(c, null, 304)
  const { tag, value } = await asked.answer()
  headers['ETag'] = `"${tag}"`
  // `*` matches any answer; a refused question has none.
  if (ifNoneMatch === '*') return send(c, null, 304)
  const text = encodedAnswers.get(value) ?? JSON.stringify(route.encode(value))
  encodedAnswers.set(value, text)
  return json(c, text)
}

/** Weak comparison (RFC 9110, 13.1.2). */
function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  return (
    ifNoneMatch !== undefined && ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${tag}"`)
  )
}

function json(c: Request, text: string, status = 200, type = 'application/json'): Response {
  c.get('headers')['Content-Type'] = type
  return send(c, text, status)
}

function send(c: Request, body: string | null, status: number): Response {
  c.set('isSent', true)
  return new Response(body, { status, headers: c.get('headers') })
}

function serveContract(app: Hono<Env>): void {
  let text: string | undefined
  // Generated on the first request, for a short cold start.
  app.get('/v1/openapi.json', (c) => json(c, (text ??= JSON.stringify(documentOf(routes)))))
  app.route('/v1/docs', reference())
}

function refuseOtherMethods(app: Hono<Env>): void {
  const contract = ['/v1/openapi.json', '/v1/docs', '/v1/docs/{file}'].map((path) => ({ method: 'get', path }))
  const methods = Map.groupBy([...routes, ...contract], ({ path }) => path)
  for (const [path, allowed] of methods) {
    const names = allowed.map(({ method }) => method.toUpperCase()).join(', ')
    app.all(honoPath(path), (c) => {
      c.get('headers')['Allow'] = names
      throw new Fault('method_not_allowed', `${c.req.path} does not allow ${c.req.method}. Use ${names}.`)
    })
  }
}

function fail(c: Request, error: unknown, host: Host): Response {
  const requestId = c.get('requestId')
  const problem =
    error instanceof Fault ? problemOf(error, requestId, c.get('route'), c.get('input')) : blankProblem(requestId)
  if (!(error instanceof Fault)) (c.get('ctx')?.log ?? host.log).error('request failed', { requestId, error })
  const headers = c.get('headers')
  delete headers['ETag']
  headers['Cache-Control'] = 'no-store'
  const retryAfter = error instanceof Fault ? error.retryAfterSeconds : undefined
  if (retryAfter !== undefined || problem.status === 503) headers['Retry-After'] = String(retryAfter ?? 5)
  if (problem.status === 401) headers['WWW-Authenticate'] = 'Bearer'
  return json(c, JSON.stringify(problem), problem.status, 'application/problem+json')
}
