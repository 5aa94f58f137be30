import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { Fault, type Bus, type Event, type Execution, type Workflows } from '@cloudoptima/core'
import { guard } from '../embedded/guard.ts'
import { listen, type Service } from '../embedded/service.ts'

/** What a second process on the same data folder asks of the first: there is one bus and one interpreter, and they are the first's. */
export interface Control {
  url: string
  token: string
}

interface Start {
  workflow: Execution.Info['workflow']
  name: string
  input: unknown
}

/** Offers the bus and the workflows of this process to others that can read its data folder. */
export async function serveControl({ bus, workflows }: { bus: Bus; workflows: Workflows }): Promise<Service & Control> {
  const token = randomBytes(24).toString('base64url')
  const routes: Record<string, (body: string) => Promise<void>> = {
    'GET /health': () => Promise.resolve(),
    'POST /publish': async (body) => await bus.publish(JSON.parse(body) as Event),
    'POST /start': async (body) => {
      const { workflow, name, input } = JSON.parse(body) as Start
      await workflows.start(workflow, name, input)
    },
  }
  const answer = async (request: IncomingMessage): Promise<number> => {
    if (request.headers.authorization !== `Bearer ${token}`) return 401
    const route = routes[`${request.method} ${request.url}`]
    if (!route) return 404
    await route(await text(request))
    return 204
  }
  const server = createServer((request, response) => {
    answer(request).then(
      (status) => response.writeHead(status).end(),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  guard(server)
  return { ...(await listen(server)), token }
}

/** The bus and the workflows of the process that holds the data folder. */
export function remote(control: Control): { bus: Bus; workflows: Workflows } {
  return {
    bus: { publish: async (event) => await call(control, 'POST', '/publish', event) },
    workflows: {
      start: async (workflow, name, input) =>
        await call(control, 'POST', '/start', { workflow, name, input } satisfies Start),
    },
  }
}

/** Whether the process that wrote this control into the data folder still answers to it. */
export async function isAlive(control: Control): Promise<boolean> {
  try {
    await call(control, 'GET', '/health')
    return true
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

async function call({ url, token }: Control, method: string, path: string, body?: unknown): Promise<void> {
  const request = {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
  const response = await fetch(url + path, request).catch((error: unknown) => {
    throw new Fault(
      'unavailable',
      `The process that holds the data folder does not answer (${error instanceof Error ? error.message : String(error)}). Run the command again.`,
    )
  })
  const reason = await response.text()
  if (!response.ok)
    throw new Fault('unavailable', `The process that holds the data folder answered ${response.status}: ${reason}`)
}
