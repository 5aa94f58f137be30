type Steps = Record<string, (input: never) => Promise<unknown>>

/**
 * The functions of the contract's workflows. The rehearsal deploys this function's text, so it refers to nothing
 * outside.
 */
export function makeSteps(keep: (key: string, token: string) => Promise<void>): Steps {
  return {
    Work: async ({ index, value, factor }: { index: number; value: number; factor: number }) => {
      const from = Date.now()
      await new Promise((resolve) => setTimeout(resolve, 300))
      return { index, product: value * factor, from, to: Date.now() }
    },
    Add: async ({ count }: { count: number }) => ({ count: count + 1 }),
    Flaky: async ({ attempt, failures }: { attempt: number; failures: number }) => {
      if (attempt < failures) throw new Error(`attempt ${attempt}`)
      return { attempt }
    },
    Ask: async ({ key, token }: { key: string; token: string }) => await keep(key, token),
    Normalize: async () => ({ outcome: 'committed' }),
    Detect: async () => {
      throw new Error('no model')
    },
    Recommend: async () => ({ outcome: 'none' }),
    Track: async () => ({ outcome: 'none' }),
    RecordFailure: async () => null,
  }
}
