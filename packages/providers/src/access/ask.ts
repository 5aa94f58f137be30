import { unavailable } from './verdict.ts'

/** Maximum time of one request to a cloud. */
export const timeoutMs = 10_000

/** The answer of a REST API. `body` is undefined if it is not JSON. */
export interface Answer {
  status: number
  body: unknown
}

interface Question {
  /** The cloud's name, for the message of the Fault. */
  cloud: string
  token: string
  /** Sent as JSON by POST. Without a body the request is a GET. */
  body?: unknown
}

/**
 * Sends one request to a REST API of a cloud. Redirects are not followed, so that credentials reach no other host.
 * Throws Fault `unavailable` if the cloud does not answer or asks to retry later.
 */
export async function ask(url: URL, { cloud, token, body }: Question): Promise<Answer> {
  const answer = await fetched(url, cloud, {
    method: body === undefined ? 'GET' : 'POST',
    redirect: 'error',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (answer.status === 429 || answer.status >= 500) throw unavailable(cloud, `${url.host} answered ${answer.status}`)
  return answer
}

async function fetched(url: URL, cloud: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, request)
    return { status: response.status, body: parsed(await response.text()) }
  } catch {
    // The error of fetch may quote the request, and it always means that there is no answer.
    throw unavailable(cloud, `no answer from ${url.host}`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
