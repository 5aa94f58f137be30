import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deliveriesOf } from './paths.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-runs-'))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

const first = '0a000000-0000-0000-0000-000000000001'
const second = '0b000000-0000-0000-0000-000000000002'

const azure = (submittedTime: string, exportName = 'mills'): string =>
  JSON.stringify({
    exportConfig: { exportName, type: 'ActualCost' },
    runInfo: { submittedTime, startDate: '2024-09-01', endDate: '2024-09-30' },
  })

/** The bills that the folder with these files delivers, and the notes on runs that were left out. */
async function delivered(
  files: Record<string, string>,
): Promise<{ names: string[]; notes: string[]; reasons: string[] }> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  const { deliveries, notes, refusals } = await deliveriesOf([folder])
  const names = deliveries.flatMap((delivery) => delivery.files.map(({ path }) => path.slice(folder.length + 1)))
  return { names, notes, reasons: refusals.map(({ reason }) => reason.replaceAll(`${folder}/`, '')) }
}

describe('of several runs of one export, a folder delivers the newest', () => {
  it('the run that Azure submitted last', async () => {
    const { names, notes } = await delivered({
      [`20240901-20240930/${first}/part.csv`]: 'a',
      [`20240901-20240930/${first}/manifest.json`]: azure('2024-09-04T04:00:00Z'),
      [`20240901-20240930/${second}/part.csv`]: 'b',
      [`20240901-20240930/${second}/manifest.json`]: azure('2024-09-03T04:00:00Z'),
    })
    expect(names).toEqual([`20240901-20240930/${first}/part.csv`])
    expect(notes).toEqual([expect.stringMatching(new RegExp(`${second}, because ${first} is a newer run`))])
  })

  it('the execution that the manifest of AWS Data Exports names', async () => {
    const run = (day: number): string => `data/BILLING_PERIOD=2024-09/2024-09-0${day}T08:00:00.000Z-${first}`
    const { names } = await delivered({
      [`${run(2)}/mills-00001.csv.gz`]: 'a',
      [`${run(3)}/mills-00001.csv.gz`]: 'b',
      'metadata/BILLING_PERIOD=2024-09/mills-Manifest.json': JSON.stringify({
        dataFiles: [`s3://bucket/mills/${run(2)}/mills-00001.csv.gz`],
      }),
    })
    expect(names).toEqual([`${run(2)}/mills-00001.csv.gz`])
  })

  it('the assembly that the manifest of a legacy report names', async () => {
    const { names } = await delivered({
      [`20240901-20241001/${first}/report-1.csv.gz`]: 'a',
      [`20240901-20241001/${first}/report-Manifest.json`]: JSON.stringify({
        reportKeys: [`p/20240901-20241001/${first}/report-1.csv.gz`],
      }),
      [`20240901-20241001/${second}/report-1.csv.gz`]: 'b',
      '20240901-20241001/report-Manifest.json': JSON.stringify({
        reportKeys: [`p/20240901-20241001/${second}/report-1.csv.gz`],
      }),
    })
    expect(names).toEqual([`20240901-20241001/${second}/report-1.csv.gz`])
  })
})

describe('all runs are delivered, and the lake decides', () => {
  it.each<[string, Record<string, string>]>([
    ['without manifests', {}],
    ['with the manifest of one run', { [`${first}/manifest.json`]: azure('2024-09-03T04:00:00Z') }],
    [
      'if two exports wrote them',
      {
        [`${first}/manifest.json`]: azure('2024-09-03T04:00:00Z', 'mills'),
        [`${second}/manifest.json`]: azure('2024-09-04T04:00:00Z', 'forges'),
      },
    ],
    [
      'if both were submitted at once',
      {
        [`${first}/manifest.json`]: azure('2024-09-03T04:00:00Z'),
        [`${second}/manifest.json`]: azure('2024-09-03T04:00:00Z'),
      },
    ],
    ['if a manifest is broken', { [`${first}/manifest.json`]: '{', [`${second}/manifest.json`]: '[]' }],
  ])('%s', async (_, manifests) => {
    const bills = { [`${first}/part.csv`]: 'a', [`${second}/part.csv`]: 'b' }
    expect((await delivered({ ...bills, ...manifests })).names).toEqual(Object.keys(bills))
  })

  it('and runs of other periods count beside each other', async () => {
    const bills = { [`20240901-20240930/${first}/part.csv`]: 'a', [`20241001-20241031/${second}/part.csv`]: 'b' }
    const manifests = Object.fromEntries(
      Object.keys(bills).map((path, day) => [`${dirname(path)}/manifest.json`, azure(`2024-09-0${day + 1}T00:00:00Z`)]),
    )
    expect(await delivered({ ...bills, ...manifests })).toEqual({ names: Object.keys(bills), notes: [], reasons: [] })
  })
})

describe('a folder has the files that a manifest names', () => {
  const part = (number: number, month = '09'): string => `data/BILLING_PERIOD=2024-${month}/mills-0000${number}.csv.gz`
  const manifest = (numbers: number[], month = '09'): Record<string, string> => ({
    [`metadata/BILLING_PERIOD=2024-${month}/mills-Manifest.json`]: JSON.stringify({
      dataFiles: numbers.map((number) => `s3://bucket/exports/mills/${part(number, month)}`),
    }),
  })

  it.each<[string, Record<string, string>, string[]]>([
    ['all', { ...manifest([1, 2]), [part(1)]: 'a', [part(2)]: 'b' }, [part(1), part(2)]],
    ['unpacked', { ...manifest([1]), [part(1).slice(0, -3)]: 'a' }, [part(1).slice(0, -3)]],
    ['of another month', { ...manifest([1, 2]), [part(1, '10')]: 'a' }, [part(1, '10')]],
    [
      'and a file of another name',
      { ...manifest([1]), [part(1)]: 'a', 'data/credits.csv': 'b' },
      [part(1), 'data/credits.csv'],
    ],
  ])('%s', async (_, files, names) => {
    expect(await delivered(files)).toEqual({ names: names.toSorted(), notes: [], reasons: [] })
  })

  it('and not the parts that an earlier delivery left', async () => {
    const { names, notes } = await delivered({ ...manifest([1]), [part(1)]: 'a', [part(2)]: 'b' })
    expect(names).toEqual([part(1)])
    expect(notes).toEqual([expect.stringMatching(/^Left out: .*mills-00002\.csv\.gz, because .* does not name it\.$/)])
  })

  it.each<[string, Record<string, string>]>([
    ['of AWS', { ...manifest([1, 2]), [part(1)]: 'a' }],
    [
      'of Azure, beside its files',
      {
        'manifest.json': JSON.stringify({ blobs: [{ blobName: 'e/x/1.csv' }, { blobName: 'e/x/2.csv' }] }),
        '1.csv': 'a',
      },
    ],
  ])('or is refused with the one that is missing: %s', async (_, files) => {
    expect((await delivered(files)).reasons).toEqual([
      expect.stringMatching(
        /manifest\.json: it names .*2\.csv, which the delivery lacks, plain and packed\. Import all/i,
      ),
    ])
  })
})

it.each(['_delta_log/0.json', 'metadata/v1.metadata.json', '.hoodie/hoodie.properties'])(
  'a table with the log %s is refused, because its folder has replaced rows too',
  async (log) => {
    expect((await delivered({ 'part.parquet': 'a', [log]: '{}' })).reasons).toEqual([
      expect.stringMatching(`^${log}: the folder is a table of Delta Lake, Iceberg or Hudi`),
    ])
  },
)

it('a report of AWS for Athena has a file with its state, which is no bill', async () => {
  const { names } = await delivered({
    'year=2024/month=9/mills-00001.snappy.parquet': 'a',
    'cost_and_usage_data_status/cost_and_usage_data_status.parquet': 'x',
    'mills-create-table.sql': 'x',
    'crawler-cfn.yml': 'x',
  })
  expect(names).toEqual(['year=2024/month=9/mills-00001.snappy.parquet'])
})

describe('two reports of AWS with the same bill', () => {
  const report = (reportName: string, start: string, account = '012345678901'): Record<string, string> => ({
    [`${reportName}/mills-1.csv`]: reportName,
    [`${reportName}/mills-Manifest.json`]: JSON.stringify({
      account,
      reportName,
      billingPeriod: { start, end: '20241001T000000.000Z' },
      reportKeys: [`p/${reportName}/mills-1.csv`],
    }),
  })
  const september = '20240901T000000.000Z'

  it('are refused by their manifests', async () => {
    const { reasons } = await delivered({ ...report('daily', september), ...report('hourly', september) })
    expect(reasons).toEqual([
      expect.stringMatching(
        /hourly\/mills-Manifest\.json: it is a report of the same bill as .*daily.* count it twice/,
      ),
    ])
  })

  it.each([
    ['months', report('daily', '20240801T000000.000Z')],
    ['accounts', report('daily', september, '999999999999')],
  ])('of two %s count', async (_, other) => {
    const { names } = await delivered({ ...other, ...report('hourly', september) })
    expect(names).toEqual(['daily/mills-1.csv', 'hourly/mills-1.csv'])
  })
})

it('a desktop leaves litter beside a bill, which is no bill', async () => {
  const { names } = await delivered({
    'bill.csv': 'a',
    '~$bill.csv': 'x',
    '.DS_Store': 'x',
    '__MACOSX/._bill.csv': 'x',
    '__MACOSX/bill.csv': 'x',
    'Thumbs.db': 'x',
    'desktop.ini': 'x',
  })
  expect(names).toEqual(['bill.csv'])
})
