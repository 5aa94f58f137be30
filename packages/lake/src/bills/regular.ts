import { type SourceFile, watchRegularity } from '@cloudoptima/core'
import { type Source, unpacked } from './source.ts'

/** Whether every reader of CSV understands the file alike. Whoever stored or fetched the file has looked already. */
export async function regularity({
  isRegular,
  lines,
  path,
  dialect,
}: Source): Promise<Pick<SourceFile, 'isRegular' | 'lines'>> {
  if (isRegular !== undefined) return { isRegular, lines }
  const text = watchRegularity()
  for await (const chunk of unpacked(path, dialect.compression) as AsyncIterable<Buffer>) text.push(chunk)
  return text.found()
}
