import { vi } from 'vitest'
import { run } from '../../cli/run.ts'

/** What a command prints in this process, and its exit code; `text` has both streams in their order. */
export async function ran(...args: string[]): Promise<{ code: number; stdout: string; stderr: string; text: string }> {
  const printed = { stdout: '', stderr: '', text: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      printed[name] += String(chunk)
      printed.text += String(chunk)
      return true
    }),
  )
  try {
    return { code: await run(args), ...printed }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** `ran`, without the streams. */
export async function said(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, text } = await ran(...args)
  return { code, text }
}
