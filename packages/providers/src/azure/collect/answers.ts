import { unavailable } from '../../access/verdict.ts'
import type { Calls, Question } from './calls.ts'

/** The JSON of an answer. */
export async function json<T>(calls: Calls, question: Question): Promise<T> {
  const { bodyAsText } = await calls.send(question)
  return parsed<T>(question.api, bodyAsText)
}

/** The JSON of an answer with its numbers as they were written, because a double cannot hold each cost. */
export async function exactJson<T>(calls: Calls, question: Question): Promise<T> {
  const { bodyAsText } = await calls.send(question)
  const written = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? context?.source : value
  return parsed<T>(question.api, bodyAsText, written)
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
  question: Question,
  read: (question: Question) => Promise<Page>,
): AsyncGenerator<Page> {
  const seen = new Set<string>()
  for (let url: string | null | undefined = question.url; url;) {
    if (seen.has(url)) throw unavailable('Azure', `${question.api}: the pages repeat`)
    seen.add(url)
    const page: Page = await read({ ...question, url })
    yield page
    url = page.nextLink
  }
}
