import { type Context as Call, Hono } from 'hono'
import { cors } from 'hono/cors'
import {
  Actor,
  type Context,
  type Cost,
  Fault,
  Id,
  Idempotency,
  invalid,
  type Log,
  parse,
  RateLimit,
} from '@cloudoptima/core'
import { type Admission, admissionOf, anonymousContext } from './admission.ts'
import { approvalPage } from './routes/approval-page.ts'
import { reference } from './routes/docs.ts'
import { addMissing, headerOf, securityHeaders, type Host } from './host.ts'
import { blankProblem, problemOf } from './problem.ts'
import { inputOf } from './request.ts'
import { type Route, takesKey } from './route.ts'
import { routes } from './routes.ts'
import { isRecord } from './wire.ts'

interface Env {
  Variables: { exchange: Exchange }
}

/** `isSent`: the answer has the collected `headers`. */
interface Exchange {
  requestId: string
  headers: Record<string, string>
  log: Log
  isSent?: true
  route?: Route
  input?: unknown
}

type Request = Call<Env>

export function createApp(host: Host): Hono<Env> {
  const app = new Hono<Env>()
  const always = securityHeaders(host)
  app.use(async (c, next) => {
    const began = performance.now()
    const given = headerOf(c, 'x-request-id') ?? ''
    const requestId = /^[\w.:-]{1,128}$/.test(given) ? given : Id.create('req', new Date())
    const exchange: Exchange = { requestId, headers: { ...always, 'X-Request-Id': requestId }, log: host.log }
    c.set('exchange', exchange)
    await next()
    // Preflights, the reference and the host's own routes do not pass through send().
    if (!exchange.isSent) addMissing(c, exchange.headers)
    exchange.log.info('request', {
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
  app.route('/v1/approve', approvalPage(host))
  refuseOtherMethods(app)
  app.notFound((c) => fail(c, new Fault('not_found', `The path ${c.req.path} does not exist. See /v1/docs.`)))
  app.onError((error, c) => fail(c, error))
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

function honoPath(path: string) {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

async function serve(c: Request, route: Route, host: Host): Promise<Response> {
  const exchange = c.get('exchange')
  exchange.route = route
  const anonymous = anonymousContext(c, host, exchange.requestId)
  exchange.log = anonymous.log
  const admission = await admissionOf(anonymous, host, route, headerOf(c, 'authorization'))
  const { ctx } = admission
  exchange.log = ctx.log
  const read = async (): Promise<unknown> =>
    (exchange.input = route.read
      ? route.read(c.req.raw, c.req.param(), host)
      : await inputOf(c.req.raw, route, c.req.param()))
  const { ask } = route
  // Counted before the refusal is audited, so that a client over its limit writes no audit entries.
  if (!ask || !Actor.may(ctx.actor, route.permission)) await count(exchange, admission)
  await route.admit(ctx)
  if (!ask) return await answer(c, route, ctx, await read(), host)
  return await answerQuestion(
    c,
    route,
    admission,
    await countFailure(exchange, admission, async () => await ask(ctx, await read())),
  )
}

/** An answered question is counted with its answer. */
async function countFailure<Value>(
  exchange: Exchange,
  admission: Admission,
  ask: () => Promise<Value>,
): Promise<Value> {
  try {
    return await ask()
  } catch (error) {
    await count(exchange, admission)
    throw error
  }
}

async function answer(c: Request, route: Route, ctx: Context, input: unknown, host: Host): Promise<Response> {
  const { status = 200, cacheSeconds, isSecret = false, idempotency } = route.contract
  const key = takesKey(route) ? headerOf(c, 'idempotency-key') : undefined
  const call = (as: Context) => route.call(as, input)
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
  const { headers } = c.get('exchange')
  if (cacheSeconds !== undefined) headers['Cache-Control'] = `public, max-age=${cacheSeconds}`
  if (route.headers) Object.assign(headers, route.headers(value, host))
  return status === 302 ? send(c, null, status) : json(c, textOf(route, value), status)
}

const texts = new WeakMap<object, string>()

/** Kept as long as a frozen answer, because many requests share it. */
function textOf(route: Route, value: unknown) {
  if (!Object.isFrozen(value) || !isRecord(value)) return JSON.stringify(route.encode(value))
  const text = texts.get(value) ?? JSON.stringify(route.encode(value))
  texts.set(value, text)
  return text
}

function keyOf(key: string) {
  const checked = Idempotency.Key.safeParse(key)
  if (checked.success) return checked.data
  const message = checked.error.issues[0]?.message ?? 'is not valid'
  throw invalid('Idempotency-Key', 'The header Idempotency-Key', message)
}

/** Sets the rate limit headers, also of a 429; throws Fault `rate_limited`. */
async function count({ headers }: Exchange, { ctx, limit }: Admission) {
  if (!limit) return
  try {
    setLimitHeaders(headers, await RateLimit.spend(ctx, limit))
  } catch (error) {
    setLimitHeaders(headers, RateLimit.peek(ctx, limit))
    throw error
  }
}

function setLimitHeaders(headers: Record<string, string>, { limit, remaining, resetSeconds }: RateLimit.Left) {
  headers['RateLimit-Limit'] = String(limit)
  headers['RateLimit-Remaining'] = String(remaining)
  headers['RateLimit-Reset'] = String(resetSeconds)
}

async function answerQuestion(
  c: Request,
  route: Route,
  admission: Admission,
  asked: Cost.Asked<object>,
): Promise<Response> {
  const exchange = c.get('exchange')
  const { headers } = exchange
  headers['Cache-Control'] = 'private, no-cache'
  headers['ETag'] = `"${asked.tag}"`
  const ifNoneMatch = headerOf(c, 'if-none-match')?.trim()
  const isCurrent = matches(ifNoneMatch, asked.tag)
  // A 304 and a cached answer cost no query, so they do not count.
  if (!isCurrent && !asked.isRemembered) await count(exchange, admission)
  else if (admission.limit) setLimitHeaders(headers, RateLimit.peek(admission.ctx, admission.limit))
  if (isCurrent) return send(c, null, 304)
  const { tag, value } = await asked.answer()
  headers['ETag'] = `"${tag}"`
  // `*` matches any answer; a refused question has none.
  return ifNoneMatch === '*' ? send(c, null, 304) : json(c, textOf(route, value))
}

/** Weak comparison (RFC 9110, 13.1.2). */
function matches(ifNoneMatch: string | undefined, tag: string) {
  return (
    ifNoneMatch !== undefined && ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${tag}"`)
  )
}

function json(c: Request, text: string, status = 200, type = 'application/json'): Response {
  c.get('exchange').headers['Content-Type'] = type
  return send(c, text, status)
}

function send(c: Request, body: string | null, status: number): Response {
  const exchange = c.get('exchange')
  exchange.isSent = true
  return new Response(body, { status, headers: exchange.headers })
}

function serveContract(app: Hono<Env>) {
  let text: string | undefined
  // Loaded and generated on the first request, for a short cold start.
  app.get('/v1/openapi.json', async (c) => {
    text ??= JSON.stringify((await import('./openapi.ts')).documentOf(routes))
    return json(c, text)
  })
  app.route('/v1/docs', reference())
}

function refuseOtherMethods(app: Hono<Env>) {
  const pages = ['/v1/openapi.json', '/v1/docs', '/v1/docs/{file}', '/v1/approve'].map((path) => ({
    method: 'get',
    path,
  }))
  const form = { method: 'post', path: '/v1/approve' }
  const methods = Map.groupBy([...routes, ...pages, form], ({ path }) => path)
  for (const [path, allowed] of methods) {
    const names = allowed.map(({ method }) => method.toUpperCase()).join(', ')
    app.all(honoPath(path), (c) => {
      c.get('exchange').headers['Allow'] = names
      throw new Fault('method_not_allowed', `${c.req.path} does not allow ${c.req.method}. Use ${names}.`)
    })
  }
}

function fail(c: Request, error: unknown): Response {
  const { requestId, headers, log, route, input } = c.get('exchange')
  const isFault = error instanceof Fault
  const problem = isFault ? problemOf(error, requestId, route, input) : blankProblem(requestId)
  if (!isFault) log.error('request failed', { requestId, error })
  delete headers['ETag']
  headers['Cache-Control'] = 'no-store'
  const retryAfter = isFault ? error.retryAfterSeconds : undefined
  if (retryAfter !== undefined || problem.status === 503) headers['Retry-After'] = String(retryAfter ?? 5)
  if (problem.status === 401) headers['WWW-Authenticate'] = 'Bearer'
  return json(c, JSON.stringify(problem), problem.status, 'application/problem+json')
}
