import { watchRegularity } from '@cloudoptima/core'
import { type Source, unpacked } from './source.ts'

/** Whether every reader of CSV understands the file alike. Whoever stored or fetched the file has looked already. */
export async function isRegular({ isRegular: known, path, dialect }: Source): Promise<boolean> {
  if (known !== undefined) return known
  const text = watchRegularity()
  for await (const chunk of unpacked(path, dialect.compression) as AsyncIterable<Buffer>) text.push(chunk)
  return text.isRegular()
}
