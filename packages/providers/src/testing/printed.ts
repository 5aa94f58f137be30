import { vi } from 'vitest'

/** One text with the whole output of `run`: printed and logged lines, the result or the error with all its fields. */
export async function outcomeOf(run: () => Promise<unknown>): Promise<{ printed: string; text: string }> {
  const printed: unknown[] = []
  const keep = (...parts: unknown[]) => void printed.push(...parts)
  const spies = [
    ...(['debug', 'error', 'info', 'log', 'warn'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(keep),
    ),
    ...[process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((chunk) => (keep(String(chunk)), true)),
    ),
  ]
  try {
    const text = await run().then((result) => JSON.stringify(result), allOf)
    return { printed: JSON.stringify(printed), text }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

function allOf(error: unknown): string {
  const { stack, cause } = error as Error
  return JSON.stringify([String(error), stack, cause instanceof Error ? allOf(cause) : (cause ?? null), error])
}
