import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Detect`: the product has no detector of anomalies yet. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
