import * as z from 'zod'

export const Input = z.object({ importId: z.string() })

/** State `Track`: holds the new costs against what was planned. The product has no budget or forecast yet, so nothing can be off track. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
