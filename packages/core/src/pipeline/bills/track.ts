import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Track`: the product has no budgets or forecasts yet. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
