import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type * as z from 'zod'

/**
 * Answers each JSON line of stdin with one on stdout. A malformed line is refused on stderr; the others are answered, and
 * the exit code is 2.
 */
export async function answerLines<Question>(schema: z.ZodType<Question>, answer: (question: Question) => unknown) {
  let number = 0
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number++
    // `trim` also removes a byte order mark.
    const text = line.trim()
    if (text === '') continue
    const question = parse(schema, text)
    if ('problem' in question) {
      process.stderr.write(`Line ${number} is refused: ${question.problem}\n`)
      process.exitCode = 2
    } else if (!process.stdout.write(`${JSON.stringify(answer(question.value))}\n`)) await once(process.stdout, 'drain')
  }
}

function parse<Question>(schema: z.ZodType<Question>, line: string): { value: Question } | { problem: string } {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (error) {
    return { problem: `it is not JSON (${error instanceof Error ? error.message : String(error)}).` }
  }
  const { data, error } = schema.safeParse(json)
  if (!error) return { value: data }
  const issues = error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`)
  return { problem: `${issues.slice(0, 3).join('; ')}.` }
}
