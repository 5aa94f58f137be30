import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createReporter } from './progress.ts'

describe('progress in a pipe', () => {
  let lines: string[]

  beforeEach(() => {
    lines = []
    vi.useFakeTimers()
    vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
  })

  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  function shown(act: (after: (ms: number) => ReturnType<typeof createReporter>) => void): string[] {
    const reporter = createReporter()
    act((ms) => {
      vi.advanceTimersByTime(ms)
      return reporter
    })
    return lines
  }

  it('is said again only when something has moved', () => {
    const half = { phase: 'normalize', percent: 50, rows: 100_000 } as const
    const found = shown((after) => {
      after(0).begin('Importing a bill')
      for (const ms of [10_000, 10_000, 10_000, 10_000]) after(ms).at(half)
      after(10_000).at({ ...half, rows: 100_001 })
      after(10_000).at({ phase: 'commit', percent: 0 })
      after(10_000).at({ phase: 'commit', percent: 0 })
      after(10_000).end('committed')
    })
    expect(found).toEqual([
      'Importing a bill\n',
      '  58 % normalizing 100,000 rows, 10,000 rows/s\n',
      '  58 % normalizing 100,001 rows, 2,000 rows/s\n',
      '  90 % committing\n',
      '  committed\n',
    ])
  })

  it('counts once, and again after another title', () => {
    const found = shown((after) => {
      for (const title of ['Reading', 'Writing']) {
        after(0).beginCount(title, 2)
        after(10_000).counted(1)
        after(10_000).counted(1)
      }
    })
    expect(found).toEqual(['Reading\n', '  1 of 2\n', 'Writing\n', '  1 of 2\n'])
  })
})
