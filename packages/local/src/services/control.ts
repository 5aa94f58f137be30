import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { Fault, type FaultCode, messageOf, type Workflows } from '@cloudoptima/core'
import { guard, listen, type Service } from '../embedded/guard.ts'

/** The way to the process with the only interpreter. */
export interface Control {
  url: string
  token: string
}

const verbs = ['start', 'stop', 'describe', 'succeed', 'fail'] as const satisfies (keyof Workflows)[]

/** Serves the workflows to processes that can read the data folder. */
export async function serveControl(workflows: Workflows): Promise<Service & Control> {
  const token = randomBytes(24).toString('base64url')
  const routes: Record<string, (body: string) => Promise<unknown>> = {
    'GET /health': () => Promise.resolve(),
  }
  for (const verb of verbs) {
    const act = workflows[verb] as (...input: unknown[]) => Promise<unknown>
    routes[`POST /workflows/${verb}`] = async (body) => await act(...(JSON.parse(body) as unknown[]))
  }
  const answer = async (request: IncomingMessage) => {
    if (request.headers.authorization !== `Bearer ${token}`) return { status: 401 }
    const route = routes[`${request.method} ${request.url}`]
    if (!route) return { status: 404 }
    return { status: 200, body: await route(await text(request)) }
  }
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body = null }) => response.writeHead(status).end(JSON.stringify(body)),
      (error: unknown) =>
        error instanceof Fault
          ? response.writeHead(422).end(JSON.stringify({ code: error.code, message: error.message }))
          : response.writeHead(500).end(messageOf(error)),
    )
  })
  guard(server)
  return { ...(await listen(server)), token }
}

export function remote(control: Control): Workflows {
  const ask =
    (verb: string) =>
    async (...input: unknown[]) =>
      (await call(control, 'POST', `/workflows/${verb}`, input)) ?? undefined
  return Object.fromEntries(verbs.map((verb) => [verb, ask(verb)])) as unknown as Workflows
}

export async function isAlive(control: Control): Promise<boolean> {
  try {
    await call(control, 'GET', '/health')
    return true
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

async function call({ url, token }: Control, method: string, path: string, body?: unknown): Promise<unknown> {
  const request = {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
  const response = await fetch(url + path, request).catch((error: unknown) => {
    throw new Fault(
      'unavailable',
      `The process that holds the data folder does not answer (${messageOf(error)}). Run the command again.`,
    )
  })
  const answer = await response.text()
  if (response.ok) return JSON.parse(answer) as unknown
  if (response.status === 422) {
    const { code, message } = JSON.parse(answer) as { code: FaultCode; message: string }
    throw new Fault(code, message)
  }
  throw new Fault('unavailable', `The process that holds the data folder answered ${response.status}: ${answer}`)
}
