import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Detect`: judges the new costs. The product has no detector of anomalies yet, so no finding can come of it. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
