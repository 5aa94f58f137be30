import { once } from 'node:events'
import { createInterface } from 'node:readline'
import * as z from 'zod'

/** Answers each JSON line of stdin with one on stdout, in order. A malformed line ends the process with code 2. */
export async function answerLines<S extends z.ZodType>(schema: S, answer: (question: z.output<S>) => unknown) {
  let number = 0
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number++
    if (line.trim() === '') continue
    const question = schema.safeParse(parse(line))
    if (!question.success) {
      process.stderr.write(`Line ${number}: ${z.prettifyError(question.error).replaceAll('\n', ' ')}\n`)
      process.exitCode = 2
      process.stdin.destroy()
      return
    }
    if (!process.stdout.write(`${JSON.stringify(answer(question.data))}\n`)) await once(process.stdout, 'drain')
  }
}

/** The value of a JSON text; a text that is not JSON stays a text, which no schema of a line accepts. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    return error instanceof SyntaxError ? error.message : error
  }
}
