import { encoded, recognized, refusal, type AwsRequest } from '@cloudoptima/providers/testing/aws'
import type { FateOf } from '@cloudoptima/providers/testing/action'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

interface Fated {
  emulator: string
  /** Of each changing call. */
  fateOf: FateOf
  /** Outputs of operations that the emulator lacks; it sees each call. */
  answer?(asked: AwsRequest): object | undefined | Promise<object | undefined>
}

const reading = /:(Describe|Get|List|AssumeRole)/

/** Starts a server before an emulator of AWS, at which changing calls meet their fates. */
export async function fatedFront({ emulator, fateOf, answer }: Fated) {
  const server = createServer((incoming, outgoing) => {
    void answerTo(incoming).then(
      ({ status, headers, body }) => outgoing.writeHead(status, headers).end(body),
      (error: unknown) => outgoing.destroy(error as Error),
    )
  })
  async function answerTo(incoming: IncomingMessage): Promise<Answer> {
    const { method = '', url = '/', headers } = incoming
    const body = await text(incoming)
    const { pathname: path, searchParams: query } = new URL(url, emulator)
    const asked = await recognized({ method, path, query, headers, body })
    const own = await answer?.(asked)
    if (own) return written(await encoded(asked, own))
    const fate = reading.test(asked.call) || asked.input['DryRun'] === 'true' ? 'answered' : fateOf(asked.call)
    if (fate === 'throttled') return written(refusal(asked, 'Throttling', 400))
    const reply = fate === 'lost' ? undefined : await forwarded(emulator, incoming, body)
    return fate === 'answered' && reply ? reply : written(refusal(asked, 'InternalFailure', 500))
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function written({ status = 200, headers = {}, body }: Awaited<ReturnType<typeof encoded>>): Answer {
  return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

const kept = new Set(['authorization', 'content-type', 'content-md5'])

async function forwarded(emulator: string, { method = '', url = '', headers }: IncomingMessage, body: string) {
  const given = Object.entries(headers).filter(([name]) => kept.has(name) || name.startsWith('x-amz-'))
  const request = { method, headers: Object.fromEntries(given) as Record<string, string> }
  const reply = await fetch(`${emulator}${url}`, { ...request, ...(body !== '' && { body }) })
  const { 'content-length': _, 'content-encoding': __, ...others } = Object.fromEntries(reply.headers)
  return { status: reply.status, headers: others, body: await reply.text() }
}
