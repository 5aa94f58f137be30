import { open } from 'node:fs/promises'

/** The type of a bill file by its first bytes, whatever its name ends in; undefined for plain text. */
export async function fileTypeOf(path: string): Promise<'gzip' | 'zstd' | 'parquet' | undefined> {
  const magic = await firstBytes(path, 4)
  if (magic.toString('latin1') === 'PAR1') return 'parquet'
  if (magic.toString('hex') === '28b52ffd') return 'zstd'
  return magic[0] === 0x1f && magic[1] === 0x8b ? 'gzip' : undefined
}

export async function isZip(path: string): Promise<boolean> {
  return (await firstBytes(path, 4)).toString('latin1') === 'PK\x03\x04'
}

/** The first `count` bytes of a file, fewer if the file is shorter. */
export async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
