import { unavailable } from './verdict.ts'

export const timeoutMs = 10_000

/** `body` is undefined if it is not JSON. */
export interface Answer {
  status: number
  body: unknown
}

interface Question {
  cloud: string
  token: string
  /** Without a body the request is a GET. */
  body?: unknown
  /** Statuses of failures that the caller handles. */
  answers?: readonly number[]
}

/** Without redirects, so that credentials reach no other host; throws Fault `unavailable`. */
export async function ask(url: URL, { cloud, token, body, answers = [] }: Question): Promise<Answer> {
  const answer = await fetched(url, cloud, {
    method: body === undefined ? 'GET' : 'POST',
    redirect: 'error',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const isFailure = answer.status === 429 || answer.status >= 500
  if (isFailure && !answers.includes(answer.status)) throw unavailable(cloud, `${url.host} answered ${answer.status}`)
  return answer
}

async function fetched(url: URL, cloud: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, request)
    return { status: response.status, body: parsed(await response.text()) }
  } catch {
    // The error of fetch may quote the request.
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
