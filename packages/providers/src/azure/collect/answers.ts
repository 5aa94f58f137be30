import type { CostManagementClient } from '@azure/arm-costmanagement'
import { unavailable } from '../../access/verdict.ts'
import { costManagement } from '../cost-management.ts'
import type { Calls, Question } from './calls.ts'

/** The JSON of an answer. */
export async function json<T>(calls: Calls, question: Question): Promise<T> {
  const { bodyAsText } = await calls.send(question)
  return parsed<T>(question.api, bodyAsText)
}

/** JSON with its numbers as they were written, because a double cannot hold each cost. */
export function exactJson<T>(api: string, text: string | null | undefined): T {
  return parsed(api, text, (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? context?.source : value,
  )
}

/** The answer to an operation of the SDK, which is sent as the question says; throws as `Calls.send`. */
export async function costAnswer<T>(
  calls: Calls,
  question: Pick<Question, 'api' | 'limits'> & { url?: string | undefined },
  operation: (client: CostManagementClient) => Promise<T>,
): Promise<T> {
  const client = await costManagement(calls.hosts, {
    async sendRequest(request) {
      const { url = request.url, ...call } = question
      const body = typeof request.body === 'string' ? { body: request.body } : {}
      const answer = await calls.send({ ...call, url, headers: request.headers.toJSON(), ...body })
      return { ...answer, request }
    },
  })
  try {
    return await operation(client)
  } catch (error) {
    // The SDK's error contains the answer.
    if ((error as Error).name !== 'RestError') throw error
    throw unavailable('Azure', `${question.api}: the answer has another form`)
  }
}

function parsed<T>(api: string, text: string | null | undefined, reviver?: Parameters<typeof JSON.parse>[1]): T {
  try {
    return JSON.parse(text ?? '', reviver) as T
  } catch {
    throw unavailable('Azure', `${api}: the answer is not JSON`)
  }
}

/** All pages of a list; throws Fault `unavailable` if Azure leads in circles. */
export async function* pages<Page extends { nextLink?: string | null }>(
  api: string,
  read: (url?: string) => Promise<Page>,
): AsyncGenerator<Page> {
  const seen = new Set<string>()
  let page = await read()
  yield page
  for (let url = page.nextLink; url; url = page.nextLink) {
    if (seen.has(url)) throw unavailable('Azure', `${api}: the pages repeat`)
    seen.add(url)
    page = await read(url)
    yield page
  }
}
