import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault, type SourceFile } from '@cloudoptima/core'
import { type Bill, sharesPartition, understand } from './bill.ts'
import { type Database, open } from './database.ts'

/**
 * Files that were given one by one, as deliveries: each for itself, but the actual and the amortized set of one Azure account and period together,
 * because each lacks what the other has. A file that cannot be read stays alone: its import says why.
 */
export async function group(files: SourceFile[]): Promise<SourceFile[][]> {
  const database = await open({ tempDir: join(tmpdir(), 'cloudoptima'), memoryLimit: '500MB' })
  try {
    const halves: Bill[] = []
    for (const file of files) {
      const bill = await half(database, file)
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

async function half(database: Database, file: SourceFile): Promise<Bill | undefined> {
  try {
    const [bill] = await understand(database, [file], 1)
    return bill?.format.pairedWith ? bill : undefined
  } catch (error) {
    if (error instanceof Fault && error.code === 'invalid') return undefined
    throw error
  }
}

function deliveries(files: SourceFile[], partnerOf: Map<string, string>): SourceFile[][] {
  const taken = new Set<string>()
  return files.flatMap((file) => {
    if (taken.has(file.path)) return []
    const partner = files.find(({ path }) => path === partnerOf.get(file.path))
    if (partner) taken.add(partner.path)
    return [partner ? [file, partner] : [file]]
  })
}
