import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { createGunzip } from 'node:zlib'
import { group } from '@cloudoptima/lake'
import { detect } from '@cloudoptima/providers'
import type { Delivery } from './paths.ts'

/** Puts files together that were given one by one, but are halves of one bill: the actual and the amortized set of an Azure account and period. */
export async function paired(deliveries: readonly Delivery[]): Promise<Delivery[]> {
  const halves = new Map<string, Delivery>()
  for (const delivery of deliveries) {
    const [file, ...more] = delivery.files
    if (file && more.length === 0 && (await mayBeHalf(file.path))) halves.set(file.path, delivery)
  }
  if (halves.size < 2) return [...deliveries]
  const groups = await group([...halves.values()].flatMap(({ files }) => files))
  const taken = new Set<string>()
  return deliveries.flatMap((delivery) => {
    const path = delivery.files[0]?.path ?? ''
    const members = halves.has(path) ? (groups.find((files) => files.some((file) => file.path === path)) ?? []) : []
    if (taken.has(path)) return []
    for (const member of members) taken.add(member.path)
    const files = members.flatMap((member) => halves.get(member.path)?.files ?? [])
    return files.length > 1 ? [{ argument: files.map(({ name }) => basename(name)).join(' + '), files }] : [delivery]
  })
}

const headBytes = 256 * 1024

/** Whether the header is that of a bill which comes in two sets. Looking at it first spares reading every file twice. */
async function mayBeHalf(path: string): Promise<boolean> {
  const head = await headOf(path)
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') return true
  const [line = ''] = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/, 1)
  const headers = line.split(/[,;\t|]/).map((header) => header.trim().replaceAll('"', ''))
  return detect(headers).some(({ pairedWith }) => pairedWith !== undefined)
}

/** The first bytes of the text; as far as it can be read where the file is damaged: its import says what is wrong with it. */
async function headOf(path: string): Promise<Buffer> {
  const isGzip = (await firstBytes(createReadStream(path, { end: 1 }))).toString('latin1') === '\u001F\u008B'
  const file = createReadStream(path, { end: headBytes })
  return await firstBytes(isGzip ? file.pipe(createGunzip()) : file)
}

async function firstBytes(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(chunk)
  } catch (error) {
    // The head of a gzip file ends in the middle of its stream.
    if (
      !(error instanceof Error) ||
      !('code' in error) ||
      !['Z_BUF_ERROR', 'Z_DATA_ERROR'].includes(String(error.code))
    )
      throw error
  }
  return Buffer.concat(chunks)
}
