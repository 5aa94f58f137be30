import * as z from 'zod'

/** One file of a delivery. */
export const File = z.object({
  name: z.string(),
  /** The size of the owner's file. */
  bytes: z.number().int().nonnegative(),
  /** The number of stored parts, each at most `partBytes` bytes. */
  parts: z.number().int().nonnegative(),
  /** `identity`: as delivered (it may be a .gz). `zstd`, in older deliveries `gzip`: compressed by the product. */
  encoding: z.enum(['identity', 'gzip', 'zstd']),
  /** The hash of the owner's bytes, once they were read. */
  sha256: z.string().optional(),
  /** The hash of the stored bytes of a file that the product compressed. */
  storedSha256: z.string().optional(),
  /** Whether every reader of CSV understands the file alike; undefined until the product has read it. */
  isRegular: z.boolean().optional(),
  format: z.string().optional(),
  rows: z.number().int().optional(),
  periods: z.array(z.string()).optional(),
  reason: z.string().optional(),
})
export type File = z.infer<typeof File>
