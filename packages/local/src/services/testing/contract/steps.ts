type Steps = Record<string, (input: never) => Promise<unknown>>

/** Functions of the contract's workflows. The rehearsal deploys the text of this function, so it refers to nothing outside itself. */
export function makeSteps(keep: (key: string, token: string) => Promise<void>): Steps {
  return {
    Work: async ({ index, value, factor }: { index: number; value: number; factor: number }) => {
      const from = Date.now()
      await new Promise((resolve) => setTimeout(resolve, 300))
      return { index, product: value * factor, from, to: Date.now() }
    },
    Add: async ({ count }: { count: number }) => ({ count: count + 1 }),
    Flaky: async ({ attempt, failures, error }: { attempt: number; failures: number; error: string }) => {
      if (attempt < failures) throw Object.assign(new Error(`attempt ${attempt}`), { name: error })
      return { attempt }
    },
    Ask: async ({ key, token }: { key: string; token: string }) => await keep(key, token),
    Normalize: async () => ({ outcome: 'committed' }),
    Detect: async () => {
      throw Object.assign(new Error('no model'), { name: 'ModelError' })
    },
    Recommend: async () => ({ outcome: 'none' }),
    Track: async () => ({ outcome: 'none' }),
    Announce: async ({ importId }: { importId: string }) => ({ announced: importId }),
    RecordFailure: async () => null,
  }
}
