import * as z from 'zod'

export const File = z.object({
  name: z.string(),
  /** Of the owner's file. */
  bytes: z.int().nonnegative(),
  /** Each at most `partBytes` bytes. */
  parts: z.int().nonnegative(),
  /** `identity`: as delivered (it may be a .gz). `zstd`, in older deliveries `gzip`: compressed by the product. */
  encoding: z.enum(['identity', 'gzip', 'zstd']),
  /** Of the owner's bytes, once they were read. */
  sha256: z.string().optional(),
  /** Of the stored bytes, if the product compressed the file. */
  storedSha256: z.string().optional(),
  /** Whether every reader of CSV understands the file alike; undefined until it was read. */
  isRegular: z.boolean().optional(),
  /** Of a text, also within quotes. */
  lines: z.int().optional(),
  format: z.string().optional(),
  rows: z.int().optional(),
  periods: z.array(z.string()).optional(),
  reason: z.string().optional(),
})
export type File = z.infer<typeof File>
