import { unavailable } from './verdict.ts'

/** How long one request to a cloud may take. */
export const timeoutMs = 10_000

/** What a REST API answered; `body` is undefined where it is not JSON. */
export interface Answer {
  status: number
  body: unknown
}

interface Question {
  /** The cloud's name, for the fault. */
  cloud: string
  token: string
  /** Sent as JSON with POST; without it the request is a GET. */
  body?: unknown
}

/**
 * One request to a REST API of a cloud. Redirects are not followed: the answer must come from the host that was asked. Throws Fault `unavailable` when
 * there is no answer, or one that asks to wait.
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
    // What fetch throws may quote the request; all it can mean is that there is no answer.
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
