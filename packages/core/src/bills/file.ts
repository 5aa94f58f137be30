import * as z from 'zod'

/** One file of a delivery. */
export const File = z.object({
  name: z.string(),
  /** Size of what its owner holds. */
  bytes: z.number().int().nonnegative(),
  /** Raw is stored in parts of at most `partBytes` bytes, `raw/{importId}/{index of the file}/{number of the part, from 00000}`. */
  parts: z.number().int().nonnegative(),
  /** `gzip`: we compressed it to store it. `identity`: stored as it came (which may be a .gz). */
  encoding: z.enum(['identity', 'gzip']),
  /** Of the owner's bytes; known once they were read. */
  sha256: z.string().optional(),
  /** Of the bytes as we store them, where we compressed them. */
  storedSha256: z.string().optional(),
  format: z.string().optional(),
  rows: z.number().int().optional(),
  periods: z.array(z.string()).optional(),
  reason: z.string().optional(),
})
export type File = z.infer<typeof File>
