import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Recommend`: looks for savings in the new costs. The product has no recommendation rule yet, so no recommendation can come of it. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
