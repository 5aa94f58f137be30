import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { focus, kinds, whole } from './testing.ts'

const { bring, one } = kinds()
const bill = focus()
const [header = '', first = '', second = ''] = bill.split('\n')
const lines = (...parts: string[]): string => parts.join('')

describe('a CSV is read, whoever wrote it', () => {
  it.each<[string, string | Buffer]>([
    ['LF', bill],
    ['CR LF', bill.replaceAll('\n', '\r\n')],
    ['CR alone', bill.replaceAll('\n', '\r')],
    ['no line end at the end', bill.trimEnd()],
    ['CR LF, and LF at the end', lines(header, '\r\n', first, '\r\n', second, '\n')],
    ['CR LF, and CR alone', lines(header, '\r\n', first, '\r', second, '\r\n')],
    ['LF, and one CR LF', lines(header, '\n', first, '\r\n', second, '\n')],
    ['blank lines', lines('\n', header, '\n\n', first, '\r\n\r\n', second, '\n\n')],
    ['blank lines before the header', `\n\n${bill}`],
    ['rows of commas', lines(header, '\n', first, '\n', ','.repeat(15), '\n', second, '\n', ', '.repeat(15), '\n')],
    ['rows of empty quotes', lines(header, '\n', first, '\n', '"",'.repeat(15), '""\n', second, '\n')],
    ['a delimiter at the end of each line', bill.replaceAll('\n', ',\n')],
    ['sep=,', `sep=,\n${bill}`],
    ['"sep=,"', `"sep=,"\n${bill}`],
    ['sep=\\t', `sep=\\t\n${bill.replaceAll(',', '\t')}`],
    ['sep= and a tab', `sep=\t\n${bill.replaceAll(',', '\t')}`],
    ['a Ctrl-Z at the end', `${bill}\x1A`],
    ['CR LF and a Ctrl-Z at the end', `${bill.replaceAll('\n', '\r\n')}\x1A`],
    ['sep=;', `sep=;\r\n${bill.replaceAll(',', ';').replaceAll('\n', '\r\n')}`],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${bill}`, 'utf16le')],
    ['UTF-16, high byte first', Buffer.from(`\uFEFF${bill}`, 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from(bill, 'utf16le')],
    ['blanks before quotes', bill.replace('"{', ' "{')],
    ['headers with underscores', bill.replace(header, header.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase())],
    ['headers as names', bill.replace(header, header.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' '))],
    ['zstd', zstdCompressSync(bill)],
    ['zstd in two frames', Buffer.concat([zstdCompressSync(`${header}\n${first}\n`), zstdCompressSync(`${second}\n`)])],
    ['gzip twice', gzipSync(gzipSync(bill))],
    ['zstd of gzip', zstdCompressSync(gzipSync(bill))],
  ])('%s', async (_, content) => {
    expect(await one(content)).toBe(whole)
  })

  it('with the tags that Spark escapes by backslashes', async () => {
    const escaped = bill.replaceAll('"{""Team"":""Data""}"', String.raw`"{\"Team\":\"Da,\nta\"}"`)
    const { rows } = await bring({ 'bill.csv': escaped })
    expect(rows.map(({ Tags }) => Tags)).toEqual(Array(2).fill(String.raw`{"Team":"Da,\nta"}`))
  })

  it('with a backslash that escapes nothing', async () => {
    const { rows } = await bring({ 'bill.csv': focus({ ServiceName: 'C:\\"x\\', Tags: '{"a":"\\"b"}' }) })
    expect(rows).toMatchObject([{ ServiceName: 'C:\\"x\\', Tags: '{"a":"\\"b"}' }])
  })

  it('with texts of any characters and any line ends', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', '\r\n', '\\', ';', ' ', 'ü', '\u2028') })
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 6 }), async (names) => {
        const rows = names.map((name) => ({ ServiceName: `<${name}>` }))
        const found = await bring({ 'bill.csv': focus(...rows) })
        expect(found.rows.map(({ ServiceName }) => ServiceName).toSorted()).toEqual(
          rows.map(({ ServiceName }) => ServiceName).toSorted(),
        )
      }),
      { numRuns: 25 },
    )
  })

  it.each(['\\N', 'NaN', 'nan', '<NA>', '(null)', 'N/A', '#N/A', 'NULL', 'None'])(
    'with %s for nothing',
    async (nothing) => {
      const { rows } = await bring({
        'bill.csv': focus({ ListCost: nothing, ChargeClass: nothing, SubAccountId: nothing }),
      })
      expect(rows).toMatchObject([{ ListCost: null, ChargeClass: null, SubAccountId: null, BilledCost: '1.5' }])
    },
  )
})

/** A bill with an unquoted comma in the service's name of some rows, and a last value. */
function comma(last: string, ...rows: number[]): string {
  const texts = focus({ SubAccountId: last }, { SubAccountId: last }).split('\n')
  return texts
    .map((text, at) => (rows.includes(at) ? text.replace('Amazon Simple', 'Amazon, Simple') : text))
    .join('\n')
}

/** The refusal of a row with one field too many, which may be a delimiter at its end. */
function surplus(line: number, isEmpty: boolean): string {
  return (
    `refused: bill.csv: line ${line}: 17 fields where the header has 16: quote the value that contains the delimiter` +
    `${isEmpty ? ', or remove the delimiters at the end of the rows' : ''}.`
  )
}

describe('a CSV that cannot be understood is refused with its line', () => {
  it.each<[string, string | Buffer, RegExp | string]>([
    ['a title', `Mill\nSeptember\n\n${bill}`, /bill\.csv: line 1: it is no header: the header is line 4/],
    ['a quote that is never closed, after CR LF', `${bill.replaceAll('\n', '\r\n')}"x\n`, /line 4: .*never closed/],
    ['text after a quote', bill.replace('""}"', '""}"x'), /line 2: .*quote/],
    ['a short row', `${bill}1,2\n`, /line 4: 2 fields where the header has 16/],
    ['a short row among mixed line ends', `${bill}1,2\r\n`, /line 4: 2 fields/],
    ['an unquoted comma before an empty end', comma('', 1), surplus(2, true)],
    ['an unquoted comma in a later row', comma('', 2), surplus(3, true)],
    ['an unquoted comma in each row', comma('', 1, 2), surplus(2, true)],
    ['an unquoted comma in the only row', comma('', 1).split('\n').slice(0, 2).join('\n'), surplus(2, true)],
    ['an unquoted comma beside mixed line ends', comma('', 1, 2).replace('\n', '\r\n'), surplus(2, true)],
    ['an unquoted comma before a value', comma('x', 1), surplus(2, false)],
    ['an unquoted comma before NULL', comma('NULL', 1), surplus(2, false)],
    ['an unquoted comma before how a NULL begins', comma('N', 1), surplus(2, false)],
    ['a delimiter at the end of rows alone', lines(header, '\n', first, ',\n', second, ',\n'), surplus(2, true)],
    ['UTF-16 cut in the middle', Buffer.from(bill, 'utf16le').subarray(0, -101), /UTF-16LE|fields/],
    ['windows-1252', Buffer.from(bill.replace('Amazon', 'Ämazon'), 'latin1'), /line 2: .*UTF-8/],
    ['a total', `${bill}Total${','.repeat(15)}\n`, /line 4, column BilledCost: "Total" is no number/],
  ])('%s', async (_, content, reason) => {
    expect(await one(content)).toMatch(reason)
  })

  it.each(['first', 'last'])(
    'a row that begins the %s of many buffers',
    async (which) => {
      const buffer = 8 * 2 ** 20
      const [head = '', row = ''] = focus({ Tags: '', ServiceName: 'x'.repeat(400) }).split('\n')
      const perBuffer = buffer / (row.length + 1)
      const rows = Array.from({ length: Math.ceil(2.1 * perBuffer) }, () => row)
      const at = Math.ceil((which === 'first' ? 1 : 2) * perBuffer - (head.length + 1) / (row.length + 1))
      rows[at] = row.replace('xx', 'x,')
      const bill = [head, ...rows, ''].join('\n')
      expect(await one(bill)).toBe(surplus(at + 2, true))
      expect(await one(gzipSync(bill))).toBe(surplus(at + 2, true))
    },
    60_000,
  )
})
