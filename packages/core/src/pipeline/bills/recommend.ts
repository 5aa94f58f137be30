import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Recommend`: the product has no rule yet. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
