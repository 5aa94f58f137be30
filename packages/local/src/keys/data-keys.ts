import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type DataKeys, Envelope, Fault } from '@cloudoptima/core'
import { readPrivate, writePrivate } from './private-file.ts'

const algorithm = 'aes-256-gcm'
const [keyBytes, ivBytes, tagBytes] = [32, 12, 16]

/** Without this key, all encrypted data is lost. */
export async function prepareDataKey(folder: string): Promise<void> {
  if ((await readPrivate(pathIn(folder))) === undefined)
    await writePrivate(pathIn(folder), written(randomBytes(keyBytes)))
  await readDataKey(folder)
}

/** AES-256-GCM with the context as additional authenticated data. */
export function createDataKeys(folder: string): DataKeys {
  return {
    async generate(context) {
      const [key, iv] = [randomBytes(keyBytes), randomBytes(ivBytes)]
      const cipher = createCipheriv(algorithm, await readDataKey(folder), iv).setAAD(canonical(context))
      const wrapped = Buffer.concat([iv, cipher.update(key), cipher.final(), cipher.getAuthTag()])
      return { key, wrapped: wrapped.toString('base64') }
    },
    async unwrap(wrapped, context) {
      const bytes = Buffer.from(wrapped, 'base64')
      if (bytes.length !== ivBytes + keyBytes + tagBytes) throw Envelope.unreadable()
      const [iv, key, tag] = [bytes.subarray(0, ivBytes), bytes.subarray(ivBytes, -tagBytes), bytes.subarray(-tagBytes)]
      const decipher = createDecipheriv(algorithm, await readDataKey(folder), iv, { authTagLength: tagBytes })
      decipher.setAAD(canonical(context)).setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(key), decipher.final()])
      } catch {
        // The authentication tag does not match.
        throw Envelope.unreadable()
      }
    },
  }
}

async function readDataKey(folder: string): Promise<Buffer> {
  const text = (await readPrivate(pathIn(folder))) ?? ''
  const key = Buffer.from(text.slice(0, text.indexOf(' ')), 'base64')
  if (key.length !== keyBytes || written(key) !== text)
    throw new Fault(
      'unavailable',
      `${pathIn(folder)} is damaged. Restore it from a backup: without this key, encrypted data cannot be read.`,
    )
  return key
}

/** The checksum reveals a truncated or changed key. */
function written(key: Buffer) {
  return `${key.toString('base64')} ${hash('sha256', key).slice(0, 8)}\n`
}

function canonical(context: Record<string, string>): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

function pathIn(folder: string) {
  return join(folder, 'data.key')
}
