import { createWriteStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { Fault } from '@cloudoptima/core'
import { unavailable } from '../../access/verdict.ts'
import { blobHost, blobScope } from '../hosts.ts'
import { pages } from './answers.ts'
import { type Calls, type Question, Refusal } from './calls.ts'

export interface Container {
  account: string
  name: string
}

export interface Blob {
  name: string
  bytes: number
  etag: string
  modifiedAt: Date
}

const version = { 'x-ms-version': '2023-11-03' }
/** Without a byte for this long, a download starts again. */
const stallMs = 60_000

const Listing = z.object({
  Blobs: z.union([
    z.literal(''),
    z.object({
      Blob: z.array(
        z.object({
          Name: z.string(),
          Properties: z.object({
            'Last-Modified': z.string(),
            Etag: z.string(),
            'Content-Length': z.coerce.number().int(),
          }),
        }),
      ),
    }),
  ]),
  NextMarker: z.string().optional(),
})

/** The blobs of a folder by name: https://learn.microsoft.com/rest/api/storageservices/list-blobs */
export async function listBlobs(calls: Calls, { account, name }: Container, prefix: string): Promise<Blob[]> {
  const { XMLParser } = await import('fast-xml-parser')
  const parser = new XMLParser({ parseTagValue: false, isArray: (tag) => tag === 'Blob' })
  const first = `${blobHost(account)}/${name}?restype=container&comp=list&prefix=${encodeURIComponent(prefix)}`
  const api = 'blob:ListBlobs'
  const read = async (url = first) => {
    const { bodyAsText } = await calls.send({ api, url, scope: blobScope, headers: version })
    const root = parser.parse(bodyAsText ?? '') as { EnumerationResults?: unknown }
    const listing = Listing.safeParse(root.EnumerationResults)
    if (!listing.success) throw unavailable('Azure', 'the list of blobs has another form')
    const { Blobs, NextMarker } = listing.data
    const blobs = Blobs === '' ? [] : Blobs.Blob
    return { blobs, nextLink: NextMarker ? `${first}&marker=${encodeURIComponent(NextMarker)}` : null }
  }
  const listed = await Array.fromAsync(pages(api, read))
  // A URL cannot name a blob with `..` in its path: it would name another one.
  const isReachable = ({ Name }: { Name: string }) => !/(^|\/)\.\.?(\/|$)/.test(Name)
  return listed.flatMap(({ blobs }) =>
    blobs.filter(isReachable).map(({ Name, Properties }) => ({
      name: Name,
      bytes: Properties['Content-Length'],
      // Lists have it without quotes.
      etag: `"${Properties.Etag.replaceAll('"', '')}"`,
      modifiedAt: new Date(Properties['Last-Modified']),
    })),
  )
}

const get = ({ account, name }: Container, blob: Pick<Blob, 'name'>): Question => ({
  api: 'blob:GetBlob',
  url: `${blobHost(account)}/${name}/${blob.name.split('/').map(encodeURIComponent).join('/')}`,
  scope: blobScope,
  headers: version,
})

/** The text of a small blob; throws `Refusal` with status 404 if it is gone. */
export async function readBlob(calls: Calls, container: Container, blob: Pick<Blob, 'name'>): Promise<string> {
  const { bodyAsText } = await calls.send(get(container, blob))
  return bodyAsText ?? ''
}

/** Writes exactly the blob that was listed; throws Fault `conflict` if it has changed since. */
export async function download(calls: Calls, container: Container, blob: Blob, path: string): Promise<void> {
  const { signal } = calls.access
  for (let attempt = 1; ; attempt += 1) {
    try {
      const bytes = await write(calls, container, blob, path)
      if (bytes === blob.bytes) return
    } catch (error) {
      if (error instanceof Refusal && [404, 409, 412].includes(error.status)) throw restated()
      if (signal.aborted || error instanceof Fault || error instanceof Refusal) throw error
    }
    if (attempt === 4) throw unavailable('Azure', 'blob:GetBlob: the connection breaks')
  }
}

async function write(calls: Calls, container: Container, blob: Blob, path: string): Promise<number> {
  const question = get(container, blob)
  const headers = { ...question.headers, 'if-match': blob.etag }
  const { readableStreamBody } = await calls.send({ ...question, bytes: blob.bytes, headers, stream: true })
  if (!readableStreamBody) throw unavailable('Azure', 'blob:GetBlob: no body')
  const stalled = new AbortController()
  const stall = setTimeout(() => stalled.abort(), stallMs)
  let bytes = 0
  const counted = new PassThrough().on('data', (chunk: Buffer) => {
    stall.refresh()
    bytes += chunk.length
  })
  try {
    const signal = AbortSignal.any([calls.access.signal, stalled.signal])
    await pipeline(readableStreamBody, counted, createWriteStream(path), { signal })
  } finally {
    clearTimeout(stall)
  }
  return bytes
}

export function restated(): Fault {
  return new Fault(
    'conflict',
    'Azure replaced the files of the export while they were read. They are read again later.',
  )
}
