import { type CloudCredentials, type Access, type Call, type Problem } from '@cloudoptima/core'
import { createClouds } from '../../access.ts'
import type { Loopback, ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { fakeGcp, rsaKeys } from '../testing.ts'

export const projectId = 'acme-billing-1'
const email = `reader@${projectId}.iam.gserviceaccount.com`
const { publicKey, privateKey } = rsaKeys()

export const credentials: CloudCredentials = {
  cloud: 'gcp',
  projectId,
  serviceAccount: { client_email: email, private_key: privateKey },
}

/** Answers a request to Google's APIs, or lets the fake of `access` answer. */
export type Answers = (request: ReceivedRequest) => Reply | undefined

/** A fake Google Cloud, a provider that calls it, and all that one collection reported and counted. */
export async function collectFrom(answers: Answers, options: { now?: string; signal?: AbortSignal } = {}) {
  const google: Loopback = await fakeGcp({ projectId, email, publicKey, override: answers })
  const { gcp } = createClouds({ endpoints: { gcp: { token: `${google.url}/token`, api: google.url } } })
  const problems: Problem[] = []
  const calls: Call[] = []
  const access: Access = {
    credentials,
    meter: {
      async take(call) {
        calls.push(call)
      },
    },
    report: (problem) => void problems.push(problem),
    signal: options.signal ?? new AbortController().signal,
    now: () => new Date(options.now ?? '2024-10-03T12:34:56Z'),
  }
  return { google, gcp, access, problems, calls }
}

/** The refusal of Google's APIs. */
export function denial(status: number, reason: string): Reply {
  return {
    status,
    body: { error: { code: status, message: 'canary of Google', errors: [{ reason }], details: [{ reason }] } },
  }
}

export interface Column {
  name: string
  type?: string
  mode?: string
  fields?: Column[]
}

/** Columns and rows as BigQuery answers them, in pages of `size`. */
export function pagesOf(columns: readonly Column[], rows: readonly object[], size = 1000) {
  const cell = ({ mode, fields, ...column }: Column, value: unknown): unknown => {
    if (mode === 'REPEATED')
      return (value as unknown[]).map((each) => ({ v: cell({ ...column, ...(fields && { fields }) }, each) }))
    if (value === null || value === undefined) return null
    if (fields) return rowOf(fields, value)
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
  const rowOf = (fields: readonly Column[], row: object): unknown => ({
    f: fields.map((field) => ({ v: cell(field, (row as Record<string, unknown>)[field.name]) })),
  })
  const all = rows.map((row) => rowOf(columns, row))
  return (token: string | null): object => {
    const start = Number(token ?? 0)
    const next = start + size
    return {
      jobComplete: true,
      schema: { fields: columns.map((column) => ({ type: 'STRING', ...column })) },
      totalRows: String(all.length),
      rows: all.slice(start, next),
      ...(next < all.length && { pageToken: String(next) }),
    }
  }
}
