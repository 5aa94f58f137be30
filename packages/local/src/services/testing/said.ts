import { vi } from 'vitest'
import { run } from '../../cli/run.ts'

/** What a command prints, and its exit code. */
export async function said(...args: string[]): Promise<{ code: number; text: string }> {
  let text = ''
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      text += String(chunk)
      return true
    }),
  )
  try {
    return { code: await run(args), text }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
