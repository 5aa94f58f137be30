import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Fault, FileType, Limits, messageOf, type SourceFile } from '@cloudoptima/core'
import { type Entry, openPromise } from 'yauzl'
import { refusal } from './refusal.ts'

type Packing = 'zip' | 'zstd' | 'gzip'

/** First bytes of files, as latin1, and what they are. A text is refused with what to export instead. */
const kinds: readonly { begins: RegExp; is: Packing | string }[] = [
  { begins: /^PK\x03\x04/, is: 'zip' },
  { begins: /^\x28\xb5\x2f\xfd/, is: 'zstd' },
  { begins: /^\x1f\x8b/, is: 'gzip' },
  { begins: /^BZh[1-9]/, is: 'it is packed with bzip2: unpack it, or pack it with gzip' },
  { begins: /^\xfd7zXZ/, is: 'it is packed with xz: unpack it, or pack it with gzip' },
  { begins: /^7z\xbc\xaf/, is: 'it is a 7z archive: unpack it' },
  { begins: /^Rar!/, is: 'it is a RAR archive: unpack it' },
  { begins: /^[\s\S]{257}ustar/, is: 'it is a tar archive: unpack it and import the folder' },
  { begins: /^\xd0\xcf\x11\xe0/, is: 'it is an Excel workbook: save it as CSV (UTF-8)' },
  { begins: /^%PDF/, is: 'it is a PDF, such as an invoice: export the cost details as CSV or Parquet' },
  {
    begins: /^(\xef\xbb\xbf)?\s*<(!doctype|html)/i,
    is: 'it is a web page, such as a sign-in page: download the bill again',
  },
  { begins: /^(\xef\xbb\xbf)?\s*<\?xml/i, is: 'it is XML: export the bill as CSV or Parquet' },
  { begins: /^(\xef\xbb\xbf)?\s*(\{\s*"|\[\s*[[{])/, is: 'it is JSON: export the bill as CSV or Parquet' },
  { begins: /^Obj\x01/, is: 'it is Avro: export the bill as CSV or Parquet' },
  { begins: /^ORC/, is: 'it is ORC: export the bill as CSV or Parquet' },
]

const mostLayers = 3
const mostEntries = 1000

interface Place {
  folder: string
  limits: Limits.Limits
  layer?: number
}

/**
 * The bill files in a delivered file: itself, or what an archive holds, unpacked below `folder`. Throws Fault `invalid`
 * for a file of another kind, and for one that unpacks to more than a bill.
 */
export async function unpack(file: SourceFile, { folder, limits, layer = 0 }: Place): Promise<SourceFile[]> {
  const kind = kindOf(await FileType.firstBytes(file.path, 512))
  if (kind === undefined) return [file]
  if (layer > mostLayers) throw refusal(file.name, `it is packed more than ${mostLayers} times`)
  const next = { folder: join(folder, String(layer)), limits, layer: layer + 1 }
  if (kind === 'zip') return await unpackZip(file, next)
  if (kind === 'zstd') return await unpack(await unpackStream(file, createZstdDecompress(), next), next)
  if (kind !== 'gzip') throw refusal(file.name, kind)
  // DuckDB reads a text in gzip by itself.
  if (kindOf(await firstInflated(file)) === undefined && !(await holdsParquet(file))) return [file]
  return await unpack(await unpackStream(file, createGunzip(), next), next)
}

function kindOf(head: Buffer): string | undefined {
  const text = head.toString('latin1')
  return kinds.find(({ begins }) => begins.test(text))?.is
}

async function holdsParquet(file: SourceFile): Promise<boolean> {
  return (await firstInflated(file)).toString('latin1', 0, 4) === 'PAR1'
}

async function firstInflated({ name, path }: SourceFile): Promise<Buffer> {
  try {
    for await (const chunk of createReadStream(path).pipe(createGunzip()) as AsyncIterable<Buffer>) return chunk
  } catch (error) {
    throw refusal(name, `the gzip file is damaged or incomplete (${messageOf(error)})`)
  }
  return Buffer.alloc(0)
}

async function unpackStream(file: SourceFile, unpacking: Transform, { folder, limits }: Place): Promise<SourceFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'unpacked')
  const { size } = await stat(file.path)
  try {
    await pipeline(createReadStream(file.path), unpacking, meter(file.name, size, limits), target(path))
  } catch (error) {
    throw error instanceof Fault ? error : refusal(file.name, `it is damaged or incomplete (${messageOf(error)})`)
  }
  return { name: file.name, path }
}

/** Litter that desktops put into archives, and notes beside bills. */
const litter = /(^|\/)(__MACOSX\/|\._|~\$|\.DS_Store$|Thumbs\.db$|desktop\.ini$)|\/$|\.(json|md|txt|html?)$/i

async function unpackZip(file: SourceFile, place: Place): Promise<SourceFile[]> {
  const { folder, limits } = place
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const archive = await openPromise(file.path).catch((error: unknown) => {
    throw refusal(file.name, `the zip archive is damaged or incomplete (${messageOf(error)})`)
  })
  const found: SourceFile[] = []
  const measure = meterOf(file.name, (await stat(file.path)).size, limits)
  try {
    for await (const entry of archive.eachEntry() as AsyncIterable<Entry>) {
      if (entry.fileName === '[Content_Types].xml')
        throw refusal(file.name, 'it is an Excel workbook: save it as CSV (UTF-8)')
      if (litter.test(entry.fileName)) continue
      if (found.length === mostEntries) throw refusal(file.name, `it holds more than ${mostEntries} files: unpack it`)
      if (entry.isEncrypted()) throw refusal(file.name, 'it is protected by a password: unpack it')
      const path = join(folder, `entry-${found.length}`)
      await pipeline((await archive.openReadStreamPromise(entry)) as Readable, measure(), target(path))
      found.push({ name: `${file.name}/${entry.fileName}`, path })
    }
  } catch (error) {
    throw error instanceof Fault
      ? error
      : refusal(file.name, `the zip archive is damaged or incomplete (${messageOf(error)})`)
  } finally {
    archive.close()
  }
  if (found.length === 0) throw refusal(file.name, 'the archive holds no bill')
  const inner = found.map(async (each, index) => await unpack(each, { ...place, folder: join(folder, `in-${index}`) }))
  return (await Promise.all(inner)).flat()
}

function target(path: string) {
  return createWriteStream(path, { mode: 0o600 })
}

function meter(name: string, size: number, limits: Limits.Limits): Transform {
  return meterOf(name, size, limits)()
}

/** Makes streams that pass bytes on, and together refuse more than a file of this packed size may hold. */
function meterOf(name: string, size: number, limits: Limits.Limits): () => Transform {
  let bytes = 0
  return () =>
    new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        bytes += chunk.byteLength
        if (bytes > Limits.unpackedLimit(size, limits))
          done(
            refusal(
              name,
              `${Limits.unpackedComplaint(size, limits)}. Import it unpacked, or split it by billing period`,
            ),
          )
        else done(null, chunk)
      },
    })
}
