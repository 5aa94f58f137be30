import * as z from 'zod'
import { Totals } from '../effects/queries.ts'
import * as ChargeDays from '../lake/charge-days.ts'
import { File } from './file.ts'
import * as Raw from './raw.ts'

/** `uploading`: bytes are missing. `failed`: by an error of the product. `refused`: because of the bill. */
export const Status = z.enum(['uploading', 'running', 'committed', 'unchanged', 'refused', 'failed', 'canceled'])

export const PartitionChange = z.object({
  partition: z.string(),
  version: z.int(),
  rows: z.int(),
  days: ChargeDays.Summary.optional(),
  before: z.array(Totals).optional(),
  rowsBefore: z.int().optional(),
  /** What the delivery replaced. */
  replaced: z.object({ rows: z.int(), days: ChargeDays.Summary }).optional(),
  after: z.array(Totals),
})

/** Of a bill that the product collected. */
export const Origin = z.object({
  source: z.string().describe('The cloud, the account, and the export with its period.'),
  scope: z.string().optional().describe('The account whose part of the bill it is.'),
  preliminary: z.object({ accountId: z.string(), payerId: z.string().optional() }).optional(),
})
export type Origin = z.infer<typeof Origin>

/** The record of one delivery of bill files. Its id names the raw files, the snapshots and the execution. */
export const Info = z.object({
  id: z.string(),
  status: Status,
  createdAt: z.string(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** Skips the acceptance rule. */
  replace: z.boolean(),
  /** The import whose raw files a rebuild reads again. */
  rebuildOf: z.string().optional(),
  /** A rebuild after the pointers were lost: every delivery is committed again, in order. */
  isReplay: z.boolean().optional(),
  files: z.array(File),
  origin: Origin.optional(),
  /** Its parts come by upload URLs; otherwise the product stores them itself. */
  isUploaded: z.boolean().optional(),
  /** Since its commit began, an import cannot be canceled. */
  isCommitting: z.boolean().optional(),
  progress: z
    .object({
      phase: z.enum(['store', 'read', 'normalize', 'commit']),
      percent: z.number(),
      rows: z.int().optional(),
    })
    .optional(),
  changes: z.array(PartitionChange).optional(),
  /** The blob of changes too large for the record. */
  changesAt: z.string().optional(),
  lakeVersion: z.int().optional(),
  reason: z.string().optional(),
  notes: z.array(z.string()).optional().describe('What was left out or rounded.'),
})
export type Info = z.infer<typeof Info>
export type PartitionChange = z.infer<typeof PartitionChange>

// A record is one item of DynamoDB, at most 400 KB: a thousand results take 180 KB, the changes up to 100 KB.
const namesBytes = 100_000
const mebibyte = 1024 * 1024

function delivery(mostParts: number) {
  const mostBytes = mostParts * Raw.partBytes
  const file = z.object({
    name: z.string().min(1).max(1024),
    bytes: z
      .int()
      .nonnegative()
      .max(mostBytes, `a file has at most ${mostBytes / mebibyte} MiB: split it by billing period, or compress it`),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  })
  return z.strictObject({
    files: z
      .array(file)
      .min(1)
      .max(1000, 'a delivery has at most 1,000 files: import a folder for each month')
      .refine((files) => files.reduce((sum, { name }) => sum + Buffer.byteLength(name), 0) <= namesBytes, {
        message: 'the names of a delivery have at most 100,000 bytes: shorten them, or import a folder for each month',
      }),
    replace: z.boolean().default(false),
  })
}

/** Of files on this machine. Part numbers have five digits. */
export const Create = delivery(100_000)

/** One answer has all upload URLs, and a Lambda function answers at most 6 MB. */
export const mostUploadParts = 3000

export const Upload = delivery(mostUploadParts)
