import { Fault } from '@cloudoptima/core'

export const invalid = (why: string) => new Fault('unavailable', `The price list of AWS cannot be read: ${why}.`)

/**
 * The lines of a price list file of AWS (`index.csv`), as records with the named columns, each with the day of the list. The first
 * five lines are metadata, and the sixth names the columns. A column that the file lacks is empty.
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */
export async function* offersIn<Column extends string>(
  file: AsyncIterable<Uint8Array>,
  { columns, isRead }: { columns: Readonly<Record<Column, string>>; isRead: (line: string) => boolean },
): AsyncGenerator<{ asOf: string; record: Record<Column, string> }> {
  const names = Object.entries<string>(columns)
  let places: { header: readonly string[]; of: readonly (readonly [string, number])[] } | undefined
  let asOf: string | undefined
  for await (const line of linesOf(file)) {
    if (/^"?Publication Date"?,/.test(line)) asOf = fieldsOf(line)[1]?.slice(0, 10)
    else if (/^"?SKU"?,/.test(line)) {
      const header = fieldsOf(line)
      places = { header, of: names.map(([column, name]) => [column, header.indexOf(name)]) }
    } else if (places && asOf !== undefined && isRead(line)) {
      const fields = fieldsOf(line)
      if (fields.length !== places.header.length) throw invalid('a line has another number of columns than the header')
      const record = places.of.map(([column, place]) => [column, fields[place] ?? ''])
      yield { asOf, record: Object.fromEntries(record) as Record<Column, string> }
    }
  }
  if (!places || asOf === undefined) throw invalid('the header is missing')
}

/** The published files have no line break within a field. */
async function* linesOf(file: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of file) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Services quote their fields, except empty ones; savings plans quote none. A quote within is doubled. */
function fieldsOf(line: string): string[] {
  return Array.from(`,${line.trimEnd()}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,"]*))/g), ([, quoted, bare = '']) =>
    quoted === undefined ? bare : quoted.replaceAll('""', '"'),
  )
}
