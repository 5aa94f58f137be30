import { createInterface } from 'node:readline'
import { note } from './output.ts'

/** Asks on stderr; an answer is a line of stdin, empty at its end. */
export type Ask = (question: string) => Promise<string>

/** Lines that come before their question, as from a pipe, are kept. */
export async function asking<Result>(use: (ask: Ask) => Promise<Result>): Promise<Result> {
  const reader = createInterface({ input: process.stdin })
  const lines = reader[Symbol.asyncIterator]()
  try {
    return await use(async (question) => {
      note(question)
      const { value, done } = await lines.next()
      return done === true ? '' : value.trim()
    })
  } finally {
    reader.close()
  }
}
