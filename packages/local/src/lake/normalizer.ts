import { Fault } from '@cloudoptima/core'
import { normalize } from '@cloudoptima/lake'
import type { Answer, PlainError, Question } from './isolated.ts'

// The entry of a process that normalizes bills for the product, one after the other.
process.umask(0o077)
process.on('disconnect', () => process.exit())
// Ctrl-C on a terminal reaches this process too, but only the product ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('message', ({ files, options }: Question) => {
  normalize(files, { ...options, onProgress: (progress) => answer({ progress }) }).then(
    (normalized) => answer({ normalized }),
    (error: unknown) => answer({ error: plain(error) }),
  )
})

function answer(content: Answer) {
  process.send?.(content)
}

function plain(error: unknown): PlainError {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  if (!(error instanceof Fault)) return { name, message, stack }
  const { code, complaints, retryAfterSeconds } = error
  return { name, message, stack, fault: { code, complaints, ...(retryAfterSeconds && { retryAfterSeconds }) } }
}
