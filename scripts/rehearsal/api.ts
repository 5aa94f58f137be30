import { expectStatus, type createClient } from './client.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Sends a request to the deployed API. Throws an error for another status than the wanted one. */
export type Ask = <Body = unknown>(method: Method, path: string, wanted: number, body?: unknown) => Promise<Body>

/** The API with this token, or without one. */
export function createApi(client: ReturnType<typeof createClient>, apiUrl: string) {
  return (token?: string): Ask =>
    async <Body>(method: Method, path: string, wanted: number, body?: unknown) => {
      const headers = {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        'user-agent': 'rehearsal',
      }
      const call = { method, url: apiUrl + path, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
      const text = expectStatus(await client.send(call), wanted, `${method} ${path}`)
      return (/^[[{]/.test(text) ? JSON.parse(text) : text) as Body
    }
}

/** Repeats the question until `isEnd`, for a minute at most unless told otherwise. */
export async function poll<Answer>(
  question: () => Promise<Answer>,
  isEnd: (answer: Answer) => boolean,
  seconds = 60,
): Promise<Answer> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const answer = await question()
    if (isEnd(answer)) return answer
    if (Date.now() > deadline) throw new Error(`There was no end within ${seconds} s: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
