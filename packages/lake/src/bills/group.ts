import { join } from 'node:path'
import { Fault, Limits, type SourceFile } from '@cloudoptima/core'
import { detect } from '@cloudoptima/providers'
import { type Database, open } from '../database.ts'
import { type Bill, sharesPartition } from './bill.ts'
import { inspect } from './inspect.ts'
import { understand } from './understand.ts'

/**
 * Groups files into deliveries: both sets of one Azure bill are one delivery, because each needs the other.
 * Every other file is one of its own. So is a file that cannot be read: its import says why.
 */
export async function group<File extends SourceFile>(files: File[], workDir: string): Promise<File[][]> {
  if (files.length < 2) return files.map((file) => [file])
  const database = await open({ tempDir: workDir, memoryLimit: '500MB' })
  try {
    const halves: Bill[] = []
    for (const file of files) {
      const bill = await half(database, file, join(workDir, String(halves.length)))
      if (bill) halves.push(bill)
    }
    const partnerOf = new Map<string, string>()
    for (const bill of halves) {
      const partner = halves.find(
        (other) =>
          !partnerOf.has(other.source.path) &&
          other.format.id === bill.format.pairedWith &&
          sharesPartition(bill, other),
      )
      if (!partner || partnerOf.has(bill.source.path)) continue
      partnerOf.set(bill.source.path, partner.source.path)
      partnerOf.set(partner.source.path, bill.source.path)
    }
    return deliveries(files, partnerOf)
  } finally {
    database.close()
  }
}

/** The bill if it is one set of a pair. The header is read first, because it spares reading most files twice. */
async function half(database: Database, file: SourceFile, workDir: string): Promise<Bill | undefined> {
  try {
    const { headers } = await inspect(database.connection, file, Limits.standard)
    if (!detect(headers).some(({ pairedWith }) => pairedWith !== undefined)) return undefined
    const [bill] = await understand([file], { database, lanes: 1, workDir })
    return bill?.format.pairedWith ? bill : undefined
  } catch (error) {
    if (error instanceof Fault && error.code === 'invalid') return undefined
    throw error
  }
}

function deliveries<File extends SourceFile>(files: File[], partnerOf: Map<string, string>): File[][] {
  const taken = new Set<string>()
  return files.flatMap((file) => {
    if (taken.has(file.path)) return []
    const partner = files.find(({ path }) => path === partnerOf.get(file.path))
    if (partner) taken.add(partner.path)
    return [partner ? [file, partner] : [file]]
  })
}
