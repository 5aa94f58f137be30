import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Track`: compares the new costs with budgets and forecasts. The product has none yet. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
