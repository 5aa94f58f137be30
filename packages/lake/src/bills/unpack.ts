import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Fault, FileType, Limits, messageOf, type SourceFile, Unpacking } from '@cloudoptima/core'
import { openPromise } from 'yauzl'
import { firstUnpacked } from './inspect.ts'
import { refusal } from './refusal.ts'

/** Files that are no text, by their first bytes as hex. A sentence says what to import instead. */
const magic: readonly [string, string][] = [
  ['504b0304', 'zip'],
  ['28b52ffd', 'zstd'],
  ['1f8b', 'gzip'],
  ['425a68', 'it is packed with bzip2: unpack it, or pack it with gzip'],
  ['fd377a585a', 'it is packed with xz: unpack it, or pack it with gzip'],
  ['377abcaf', 'it is a 7z archive: unpack it'],
  ['52617221', 'it is a RAR archive: unpack it'],
  ['04224d18', 'it is packed with lz4: unpack it, or pack it with gzip'],
  ['ff060000734e6150', 'it is packed with snappy: unpack it, or pack it with gzip'],
  ['1f9d', 'it is packed with compress: unpack it, or pack it with gzip'],
  ['d0cf11e0', 'it is an Excel workbook: save it as CSV (UTF-8)'],
  ['25504446', 'it is a PDF, such as an invoice: export the cost details as CSV or Parquet'],
  ['4f626a01', 'it is Avro: export the bill as CSV or Parquet'],
  ['4f5243', 'it is ORC: export the bill as CSV or Parquet'],
  ['4152524f5731', 'it is Arrow (Feather): export the bill as CSV or Parquet'],
]

/** Texts that are no CSV, by how they begin. */
const texts: readonly [RegExp, string][] = [
  [/^\s*<(!doctype|html)/i, 'it is a web page, such as a sign-in page: download the bill again'],
  [/^\s*<\?xml/i, 'it is XML: export the bill as CSV or Parquet'],
  [/^\s*(\{\s*[\r\n]|\[\s*[[{])/, 'it is JSON: export the bill as CSV, Parquet or JSON lines'],
  [/^[^]{257}ustar/, 'it is a tar archive: unpack it and import the folder'],
]

const headBytes = 512
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
  const kind = kindOf(await FileType.firstBytes(file.path, headBytes))
  if (kind === undefined) return [file]
  if (layer > mostLayers) throw refusal(file.name, `it is packed more than ${mostLayers} times`)
  const next = { folder: join(folder, String(layer)), limits, layer: layer + 1 }
  if (kind === 'zip') return await unpackZip(file, next)
  if (kind !== 'gzip' && kind !== 'zstd') throw refusal(file.name, kind)
  const head = await firstUnpacked(file, kind, headBytes)
  // DuckDB reads a packed text by itself, on all cores. It does not see whether the file is complete.
  if (kindOf(head) === undefined && head.toString('latin1', 0, 4) !== 'PAR1') {
    const isProven = file.isRegular !== undefined
    return [isProven ? file : { ...file, ...(await Unpacking.prove({ path: file.path, name: file.name, type: kind })) }]
  }
  const unpacking = kind === 'gzip' ? createGunzip() : createZstdDecompress()
  return await unpack(await unpackStream(file, unpacking, next), next)
}

function kindOf(head: Buffer): string | undefined {
  const hex = head.toString('hex', 0, 8)
  const text = head.toString('latin1').replace(/^\xef\xbb\xbf/, '')
  return magic.find(([bytes]) => hex.startsWith(bytes))?.[1] ?? texts.find(([begins]) => begins.test(text))?.[1]
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

/** Litter that desktops and engines put into archives, and notes beside bills. */
const litter =
  /(^|\/)(__MACOSX\/|\.[^/]|~\$|Thumbs\.db$|desktop\.ini$|_success$|(readme|licen[cs]e)$)|\/$|\.(json|md|txt|html?|ya?ml|crc|pdf)$/i

async function unpackZip(file: SourceFile, place: Place): Promise<SourceFile[]> {
  const { folder, limits } = place
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const archive = await openPromise(file.path).catch((error: unknown) => {
    throw refusal(file.name, `the zip archive is damaged or incomplete (${messageOf(error)})`)
  })
  const found: SourceFile[] = []
  const measure = meterOf(file.name, (await stat(file.path)).size, limits)
  try {
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName === '[Content_Types].xml')
        throw refusal(file.name, 'it is an Excel workbook: save it as CSV (UTF-8)')
      if (entry.fileName === 'mimetype')
        throw refusal(file.name, 'it is an OpenDocument spreadsheet: save it as CSV (UTF-8)')
      if (litter.test(entry.fileName)) continue
      if (found.length === mostEntries) throw refusal(file.name, `it holds more than ${mostEntries} files: unpack it`)
      if (entry.isEncrypted()) throw refusal(file.name, 'it is protected by a password: unpack it')
      const path = join(folder, `entry-${found.length}`)
      await pipeline(await archive.openReadStreamPromise(entry), measure(), target(path))
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
