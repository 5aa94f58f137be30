import { readFile } from 'node:fs/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { csv } from '../formats/testing.ts'
import { focus, kinds, whole } from './testing.ts'
import { zip } from './zip.fixture.ts'

const { bring, outcome, one, parquet } = kinds()
const bill = focus()
const days = (...found: number[]): string =>
  focus(...found.map((day) => ({ ChargePeriodStart: `2024-09-0${day}`, ChargePeriodEnd: `2024-09-0${day + 1}` })))
const billed = `SELECT 1.5 AS BilledCost, 1.5 AS EffectiveCost, 'm1' AS BillingAccountId, 'USD' AS BillingCurrency,
  '2024-09-01' AS BillingPeriodStart, '2024-10-01' AS BillingPeriodEnd, '2024-09-03' AS ChargePeriodStart,
  '2024-09-04' AS ChargePeriodEnd, 'Usage' AS ChargeCategory, 'Mill' AS ProviderName`
const header = `${bill.split('\n')[0] ?? ''}\n`

describe('an archive is read', () => {
  it.each<[string, Buffer]>([
    ['zip', zip({ 'bill.csv': bill })],
    [
      'zip of parts, folders and litter',
      zip({
        'a/': '',
        'a/1.csv': days(1),
        'a/2.csv.gz': gzipSync(days(2)),
        '__MACOSX/a/._1.csv': 'x',
        'manifest.json': '{}',
        README: 'x',
        'a/_SUCCESS': 'x',
        'a/.1.csv.crc': 'x',
      }),
    ],
    ['zip of zip', zip({ 'bill.zip': zip({ 'bill.csv': bill }) })],
    ['zstd of zip', zstdCompressSync(zip({ 'bill.csv': bill }))],
  ])('%s', async (_, content) => {
    expect(await one(content)).toBe(whole)
  })

  const packed = gzipSync(bill)
  const commented = Buffer.concat([packed.subarray(0, 3), Buffer.of(16), packed.subarray(4, 10)])
  it.each<[string, Buffer[]]>([
    ['in gzip members', [gzipSync(bill.slice(0, -20)), gzipSync(''), gzipSync(bill.slice(-20))]],
    ['with a gzip comment', [commented, Buffer.from('for Ada\0'), packed.subarray(10)]],
    ['with zeros after the end of gzip', [packed, Buffer.alloc(600)]],
    ['in zstd frames', [zstdCompressSync(bill.slice(0, -20)), zstdCompressSync(bill.slice(-20))]],
  ])('packed text %s', async (_, parts) => {
    expect(await one(Buffer.concat(parts))).toBe(whole)
  })

  it('Parquet with texts that its schema does not call texts', async () => {
    const { path } = await parquet(`${billed}, encode('{"Owner":"Blå"}') AS Tags FROM range(2)`)
    const { rows } = await bring({ 'bill.parquet': { path } })
    expect(rows.map(({ Tags }) => Tags)).toEqual(Array(2).fill('{"Owner":"Blå"}'))
  })

  it.each([
    ['an account as FLOAT', '123456789012::FLOAT AS BillingAccountId', /BillingAccountId: the type FLOAT rounds ids/],
    ['a cost of 26 digits', '1e25::DECIMAL(38,0) AS BilledCost', /more than 20 digits before the decimal point/],
  ])('Parquet with %s is refused', async (_, column, reason) => {
    expect(await outcome({ 'bill.parquet': await parquet(`SELECT * REPLACE (${column}) FROM (${billed})`) })).toMatch(
      reason,
    )
  })

  it('gzip of Parquet', async () => {
    const { path } = await parquet(`${billed} FROM range(2)`)
    expect(await one(gzipSync(await readFile(path)))).toBe(whole)
  })

  it.each<[string, Buffer, RegExp]>([
    ['zip without bills', zip({ 'readme.txt': 'x' }), /the archive holds no bill/],
    ['zip that is cut', zip({ 'bill.csv': bill }).subarray(0, -30), /zip archive is damaged/],
    ['zip with a broken bill', zip({ 'a/bad.csv': 'a,b\n1,2\n' }), /^refused: bill\.csv\/a\/bad\.csv: its columns/],
    ['zip of nothing but zeros', zip({ 'bill.csv': Buffer.alloc(70 * 2 ** 20) }), /unpack to more than 64 MiB/],
    [
      'an Excel workbook',
      zip({ '[Content_Types].xml': '<x/>', 'xl/workbook.xml': '<x/>' }),
      /Excel workbook: save it as CSV/,
    ],
    ['an old Excel workbook', Buffer.from('d0cf11e0a1b11ae1', 'hex'), /Excel workbook/],
    ['bzip2', Buffer.from('BZh91AY'), /bzip2: unpack it/],
    ['xz', Buffer.from('fd377a585a00', 'hex'), /xz: unpack it/],
    ['7z', Buffer.from('377abcaf271c', 'hex'), /7z archive/],
    ['PDF', Buffer.from('%PDF-1.7'), /PDF, such as an invoice/],
    ['lz4', Buffer.from('04224d18', 'hex'), /lz4: unpack it, or pack it with gzip/],
    ['snappy', Buffer.from('ff060000734e61507059', 'hex'), /snappy: unpack it, or pack it with gzip/],
    ['Arrow', Buffer.from('ARROW1\0\0'), /Arrow \(Feather\): export the bill as CSV/],
    [
      'an OpenDocument spreadsheet',
      zip({ mimetype: 'application/vnd.oasis.opendocument.spreadsheet', 'content.xml': '<x/>' }),
      /OpenDocument spreadsheet: save it as CSV/,
    ],
    ['a sign-in page', Buffer.from('\n<!DOCTYPE html><html>'), /web page, such as a sign-in page/],
    ['JSON', Buffer.from('[{"cost": 1}]'), /JSON: export the bill as CSV/],
    ['gzip of JSON', gzipSync('{"cost": 1}'), /JSON: export the bill as CSV/],
    [
      'five layers of gzip',
      [1, 2, 3, 4, 5].reduce((inner: Buffer) => gzipSync(inner), Buffer.from(bill)),
      /packed more than 3 times/,
    ],
    // Without its last byte, a text is whole, and nothing proves it.
    ['gzip that is cut', gzipSync(bill).subarray(0, -1), /damaged or incomplete gzip file \(unexpected end of file\)/],
    ['zstd that is cut', zstdCompressSync(bill.repeat(20)).subarray(0, -9), /zstd/],
  ])('and refused with a sentence: %s', async (_, content, reason) => {
    expect(await one(content)).toMatch(reason)
  })
})

describe('a bill of another kind is refused with what to export instead', () => {
  it.each([
    ["Oracle's report", 'lineItem/referenceNo,lineItem/tenantId,cost/myCost', /Oracle's FOCUS reports/],
    [
      "Google's rows without credits",
      'billing_account_id,invoice.month,usage_start_time,cost,currency',
      /it looks like Google Cloud's billing export but has no column credits/,
    ],
    ['FOCUS 0.5', 'AmortizedCost,ChargeType,Provider,BillingAccountId', /FOCUS 0\.5, a preview/],
  ])('%s', async (_, headers, advice) => {
    expect(await one(`${headers}\n${headers.replaceAll(/[^,]+/g, 'x')}\n`)).toMatch(advice)
  })

  it('a header that comes twice, in any spelling', async () => {
    const twice = (name: string): string => `${name},${bill.replaceAll('\n', '\n9,').replace(/\n9,$/, '\n')}`
    expect(await one(twice('BilledCost'))).toMatch(/line 1: the column BilledCost appears 2 times/)
    expect(await one(twice('billed_cost'))).toMatch(/line 1: the column billed_cost appears 2 times/)
  })

  it.each(['BilledCost', 'billedcost', 'billed_cost'])('a Parquet column %s beside BilledCost', async (name) => {
    // DuckDB writes no column twice.
    const other = name.replace('t', '_')
    const { path } = await parquet(`${billed}, 9 AS ${other} FROM range(2)`)
    const twice = (await readFile(path)).toString('latin1').replaceAll(other, name)
    expect(await outcome({ 'bill.parquet': Buffer.from(twice, 'latin1') })).toMatch(/the column \w+ appears 2 times/)
  })
})

describe('the parts of a delivery', () => {
  it('may be empty beside full ones, and not all', async () => {
    expect(await outcome({ 'a.csv': header, 'b.csv': bill })).toBe(whole)
    expect(await outcome({ 'a.csv': header, 'b.csv': header })).toMatch(/a\.csv: the file has a header and no rows/)
  })

  it.each(['', gzipSync('')])('may have no byte beside full ones, and not all', async (empty) => {
    expect(await outcome({ 'a.csv': empty, 'b.csv': bill })).toBe(whole)
    expect(await outcome({ 'a.csv': empty })).toBe('refused: a.csv: the file is empty.')
  })

  it.each<[string, string | Buffer]>([
    ['packed', gzipSync(bill)],
    ['with other line ends', bill.replaceAll('\n', '\r\n')],
    [
      'in another order',
      [...bill.trimEnd().split('\n').slice(0, 1), ...bill.trimEnd().split('\n').slice(1).toReversed(), ''].join('\n'),
    ],
    ['in an archive', zip({ 'bill.csv': bill })],
  ])('are refused if one is another %s', async (_, again) => {
    expect(await outcome({ 'a.csv': bill, 'b.csv': again })).toMatch(/b\.csv.* and a\.csv are the same file/)
  })

  it('count if they have equal totals and other rows', async () => {
    expect(await outcome({ 'a.csv': days(1), 'b.csv': days(2) })).toBe(whole)
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['a part beside the whole', { 'all.csv': bill, '1.csv': focus({}) }, /most rows of 1\.csv are in all\.csv too/],
    [
      'an older snapshot with one cost that changed later',
      { 'mtd-03.csv': days(1, 2, 3), 'mtd-04.csv': days(1, 2, 4, 5) },
      /most rows of mtd-03\.csv are in mtd-04\.csv too: the delivery would count them twice/,
    ],
  ])('are refused if one is %s', async (_, files, reason) => {
    expect(await outcome(files)).toMatch(reason)
  })

  it('count if they share few rows', async () => {
    expect(await outcome({ 'a.csv': days(1, 2), 'b.csv': days(2, 3) })).toMatch(/: 6 USD, 4 rows$/)
  })

  const run = (day: number): string => `x/2024-09-0${day}T08:00:00Z-1234/part.csv`
  const guid = (n: number): string => `x/${String(n).repeat(8)}-0000-0000-0000-000000000000`

  it('of two runs of one bill are refused by name', async () => {
    expect(await outcome({ [run(2)]: days(1), [run(3)]: bill })).toMatch(
      /the runs 2024-09-02T.* and 2024-09-03T.* newest run alone, or all runs with their manifests\.$/,
    )
    expect(await outcome({ [`${guid(1)}/a.csv`]: days(1), [`${guid(2)}/a.csv`]: bill })).toMatch(
      /the runs 1111.* and 2222/,
    )
  })

  it('of two runs in folders with their minute are refused by name', async () => {
    const run = (time: string, n: number): string => `x/${time}/${guid(n).slice(2)}/a.csv`
    const files = { [run('202409030404', 1)]: days(1), [run('202409040404', 2)]: bill }
    expect(await outcome(files)).toMatch(/the runs 202409030404\/1111.* and 202409040404\/2222.* newest run alone/)
  })

  it("of Google's standard and detailed export are refused, and parts of one count", async () => {
    const standard = {
      billing_account_id: '01AAAA-BBBBBB-CCCCCC',
      usage_start_time: '2024-09-03 07:00:00 UTC',
      invoice_month: '202409',
      cost: '1.5',
      currency: 'EUR',
      credits: '[]',
    }
    const detailed = { ...standard, 'resource.name': 'vm' }
    const later = csv([{ ...standard, usage_start_time: '2024-09-04 07:00:00 UTC' }])
    expect(await outcome({ 'a.csv': csv([standard]), 'b.csv': csv([detailed]) })).toMatch(
      /^refused: b\.csv: .* and so is a\.csv, from another export \(detailed, standard\): .* count it twice/,
    )
    const tables = { 'gcp_billing_export_v1_01.jsonl': standard, 'gcp_billing_export_resource_v1_01.jsonl': detailed }
    const lines = Object.entries(tables).map(([name, row]) => [name, JSON.stringify(row)])
    expect(await outcome(Object.fromEntries(lines) as Record<string, string>)).toMatch(/from another export/)
    expect(await outcome({ 'a.csv': csv([standard]), 'b.csv': later })).toMatch(/2024-09: 3 EUR, 2 rows$/)
  })

  it('of runs of two months, accounts or scopes count', async () => {
    const october = focus({
      BillingPeriodStart: '2024-10-01',
      BillingPeriodEnd: '2024-11-01',
      ChargePeriodStart: '2024-10-02',
      ChargePeriodEnd: '2024-10-03',
    })
    expect(await outcome({ [`${guid(1)}/a.csv`]: bill, [`${guid(2)}/a.csv`]: october })).toMatch(/2024-09.*2024-10/)
    const scopes = { [`${guid(1)}/1/${guid(3)}/a.csv`]: days(1), [`${guid(2)}/1/${guid(4)}/a.csv`]: days(2) }
    expect(await outcome(scopes)).toBe(whole)
  })
})

describe('of several runs of one export in a delivery', () => {
  const guid = (n: number): string => `${String(n).repeat(8)}-0000-0000-0000-000000000000`
  const manifest = (submittedTime: string): string =>
    JSON.stringify({ exportConfig: { exportName: 'mills', type: 'FocusCost' }, runInfo: { submittedTime } })
  const runs = (root: string): Record<string, string> => ({
    [`${root}${guid(1)}/part.csv`]: bill,
    [`${root}${guid(1)}/manifest.json`]: manifest('2024-09-04T04:00:00Z'),
    [`${root}${guid(2)}/part.csv`]: days(1),
    [`${root}${guid(2)}/manifest.json`]: manifest('2024-09-03T04:00:00Z'),
  })

  it('in folders with their minute, the manifests tell the newest', async () => {
    const dated = Object.entries(runs('')).map(([name, text]) => [`x/20240904040${name[0] ?? ''}/${name}`, text])
    expect(await outcome(Object.fromEntries(dated) as Record<string, string>)).toBe(whole)
  })

  it.each(['', 'exports/mills/20240901-20240930/'])('in "%s", the manifests tell the newest', async (root) => {
    const { normalized } = await bring(runs(root))
    expect(normalized.partitions).toMatchObject([{ rows: 2 }])
    expect(normalized.files.map(({ format, rows }) => [format, rows])).toEqual([
      ['focus-1.0', 2],
      [undefined, 0],
      [undefined, 0],
      [undefined, 0],
    ])
    expect(normalized.notes).toEqual([
      `Left out: ${root}${guid(2)}, because ${guid(1)} is a newer run of the same export.`,
    ])
  })

  it('a manifest alone is no bill', async () => {
    expect(await outcome({ 'manifest.json': '{}' })).toBe('refused: manifest.json: the delivery holds no bill.')
  })

  it('a part that the manifest names is not missing, and one that it does not name is left out', async () => {
    const named = (...numbers: number[]): Record<string, string> => ({
      'x/manifest.json': JSON.stringify({ blobs: numbers.map((number) => ({ blobName: `e/x/part_${number}.csv` })) }),
    })
    const parts = { 'x/part_1.csv': days(1), 'x/part_2.csv': days(2), 'x/part_3.csv': days(3) }
    expect(await outcome({ ...parts, ...named(1, 3) })).toBe(whole)
    expect(await outcome({ ...parts, ...named(1, 4) })).toMatch(
      /^refused: x\/manifest\.json: it names x\/part_4\.csv, /,
    )
  })

  it('files of Azure with a name for each run are refused with their names', async () => {
    const [one, two] = [`x/mills_${guid(1)}.csv`, `x/mills_${guid(2)}.csv`]
    const other = charge({ Date: '09/05/2024', Cost: '5' })
    expect(await outcome({ [one]: csv([charge({})]), [two]: csv([other]) })).toMatch(
      /the runs mills_1111.*\.csv and mills_2222.*\.csv are snapshots .* import the newest run alone\.$/,
    )
    expect(await outcome({ [one]: csv([charge({})]), [two.replace('mills', 'forges')]: csv([other]) })).toMatch(
      /9 EUR, 2 rows/,
    )
  })
})

const charge = (change: Record<string, string>): Record<string, string> => ({
  BillingAccountId: '1',
  BillingCurrency: 'EUR',
  BillingPeriodStartDate: '09/01/2024',
  BillingPeriodEndDate: '09/30/2024',
  Date: '09/04/2024',
  MeterCategory: 'Storage',
  MeterId: 'm1',
  Quantity: '1',
  Cost: '4',
  ChargeType: 'Usage',
  PricingModel: 'OnDemand',
  ResourceId: '/vm',
  ...change,
})
const covered = { PricingModel: 'Reservation', MeterId: 'm2' }
const sets = {
  actual: [charge({ ...covered, ChargeType: 'Purchase', Cost: '730' }), charge({ ...covered, Cost: '0' })],
  amortized: [charge({ ...covered, Cost: '24' })],
}
const usage = [charge({}), charge({ Date: '09/05/2024' })]
const taxes = [
  charge({ ChargeType: 'Tax', Cost: '60' }),
  charge({ ChargeType: 'Purchase', Cost: '4.75', MeterId: 'm3' }),
]
/** Both sets in three parts each: commitments, usage, taxes and a Marketplace purchase. */
const parts = (actual: string, amortized: string): Record<string, string> => ({
  [`${actual}0.csv`]: csv(sets.actual),
  [`${actual}1.csv`]: csv(usage),
  [`${actual}2.csv`]: csv(taxes),
  [`${amortized}0.csv`]: csv(sets.amortized),
  [`${amortized}1.csv`]: csv(usage.toReversed()),
  [`${amortized}2.csv`]: csv(taxes.toReversed()),
})

describe('Azure sets of older exports, which have a reservation and no pricing model', () => {
  const older = (rows: Record<string, string>[]): string =>
    csv(rows.map(({ PricingModel, ...row }) => ({ ...row, ReservationId: PricingModel === 'Reservation' ? 'r1' : '' })))
  const [actual, amortized] = [older([...sets.actual, ...usage]), older([...sets.amortized, ...usage])]

  it.each([
    ['alone', { 'a.csv': amortized }, /: 8 EUR, 3 rows$/, '32'],
    ['as a pair', { 'a.csv': actual, 'b.csv': amortized }, /: 738 EUR, 4 rows$/, '32'],
  ])('%s', async (_, files, billed, effective) => {
    expect(await outcome(files)).toMatch(billed)
    expect((await bring(files)).normalized.partitions[0]?.totals[0]?.effective).toBe(effective)
  })
})

describe('an Azure pair in parts', () => {
  it.each([
    ['in folders named so', 'run/actual/', 'run/amortized/'],
    ['with names that say so', 'mills-actual-', 'mills-amortised-'],
    ['in folders with other names', 'a/', 'b/'],
    ['in one folder, by their charges', 'x', 'y'],
  ])('%s is the union, whatever its parts hold', async (_, actual, amortized) => {
    const { normalized } = await bring(parts(actual, amortized))
    expect(normalized.partitions).toMatchObject([{ totals: [{ billed: '802.75', effective: '96.75' }] }])
  })

  it('is refused if nothing tells the set of a part', async () => {
    const files = { 'a0.csv': csv(sets.actual), 'b0.csv': csv(sets.amortized), 'c.csv': csv(taxes) }
    expect(await outcome(files)).toMatch(/c\.csv: .*nothing tells which.*named actual and amortized/)
  })

  it('is refused if a part of one set is missing', async () => {
    const { 'b1.csv': _, ...files } = parts('a', 'b')
    expect(await outcome(files)).toMatch(/the sets of the pair do not fit together|nothing tells which/)
  })
})

describe('tags', () => {
  const cur = (tags: number, rows: number): Record<string, string>[] =>
    Array.from({ length: rows }, (_, row) => ({
      'bill/PayerAccountId': '000111222333',
      'bill/BillingPeriodStartDate': '2024-09-01T00:00:00Z',
      'lineItem/LineItemType': 'Usage',
      'lineItem/UsageStartDate': '2024-09-02T00:00:00Z',
      'lineItem/CurrencyCode': 'USD',
      'lineItem/UnblendedCost': '1.5',
      ...Object.fromEntries(
        Array.from({ length: tags }, (_, tag) => [
          `resourceTags/user:t${tag}`,
          tag % 1000 === row ? `"v, ${tag}"` : '',
        ]),
      ),
    }))

  it.each([10, 5000])('of %i columns are gathered', async (tags) => {
    const { rows } = await bring({ 'bill.csv': csv(cur(tags, 3)) })
    const last = Object.entries(JSON.parse(rows[2]?.Tags ?? '{}')).at(-1)
    expect(last).toEqual(tags === 10 ? ['t2', '"v, 2"'] : ['t4002', '"v, 4002"'])
  })

  it.each([2, 3])('with one column %i times are refused', async (times) => {
    const [header = '', row = ''] = csv(cur(1, 1)).split('\n')
    const bill = [header, row].map((line, at) => line + `,${at === 0 ? 'resourceTags/user:t0' : 'x'}`.repeat(times - 1))
    expect(await one(bill.join('\n'))).toMatch(/line 1: the column resourceTags\/user:t0 appears several times/)
  })

  it('of more columns are refused with the number', async () => {
    expect(await one(csv(cur(5001, 1)))).toMatch(/it has 5,001 tag columns, and 5,000 is the most/)
  })

  it('of CUR 2.0 in either map', async () => {
    const line = {
      bill_payer_account_id: '000111222333',
      bill_billing_period_start_date: '2024-09-01',
      line_item_line_item_type: 'Usage',
      line_item_usage_start_date: '2024-09-02',
      line_item_currency_code: 'USD',
      line_item_unblended_cost: '1.5',
    }
    for (const map of [
      { tags: '{"resourceTags/user:team":"blue"}' },
      { resource_tags: '{"user_team":"blue"}' },
      { resource_tags: '{user_team=blue}' },
    ]) {
      const { rows } = await bring({ 'bill.csv': csv([{ ...line, ...map }]) })
      expect(JSON.parse(rows[0]?.Tags ?? '')).toEqual({ team: 'blue' })
    }
  })

  it('of JSON lines, a field for each', async () => {
    const [line = {}] = cur(1, 1)
    const flat = { ...line, 'resourceTags/user:t0': 'blue', 'resourceTags/user:t1': null, 'resourceTags/aws:by': 'Ada' }
    const { rows } = await bring({ 'bill.jsonl': JSON.stringify(flat) })
    expect(rows.map(({ Tags }) => Tags)).toEqual(['{"t0":"blue","aws:by":"Ada"}'])
  })

  it('of Azure, and the instance by its name or path', async () => {
    const named = { ResourceId: '', InstanceName: 'vm1', Tags: '"Team": "blue"' }
    const rows = [charge(named), charge({ ...named, InstanceName: '/Subscriptions/1/VM2' })]
    const found = await bring({ 'bill.csv': csv(rows) })
    const expected = [
      { ResourceName: 'vm1', ResourceId: null, Tags: '{"Team": "blue"}' },
      { ResourceName: 'VM2', ResourceId: '/subscriptions/1/vm2', Tags: '{"Team": "blue"}' },
    ]
    expect(found.rows).toEqual(expect.arrayContaining(expected.map((row) => expect.objectContaining(row))))
  })
})

describe('a bill beyond a limit is refused with both numbers', () => {
  const file = async (rows: number) =>
    await parquet(`SELECT 1.5 AS BilledCost, 'm1' AS BillingAccountId FROM range(${rows})`)

  it('rows of nothing, by the footer of a Parquet file', async () => {
    expect(await outcome({ 'bill.parquet': await file(2_000_000) })).toMatch(
      /it has 2,000,000 rows in [\d,]+ bytes, and 1,000,000 is the most/,
    )
  })

  it('rows and columns of a tier', async () => {
    const limits = { rows: 1, columns: 15, tagColumns: 1, unpackedBytes: 2 ** 30, unpackedTimes: 300 }
    await expect(bring({ 'bill.csv': bill }, limits)).rejects.toThrow(/it has 16 columns, and 15 is the most/)
    await expect(bring({ 'bill.csv': bill }, { ...limits, columns: 16 })).rejects.toThrow(
      /it has 2 rows, and 1 is the most/,
    )
    await expect(bring({ 'bill.parquet': await file(2) }, limits)).rejects.toThrow(/it has 2 rows, and 1 is the most/)
  })
})
