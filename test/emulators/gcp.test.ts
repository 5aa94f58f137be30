import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { normalize } from '../../packages/lake/src/normalize.ts'
import { createClouds } from '../../packages/providers/src/access.ts'
import { collectFrom, projectId } from '../../packages/providers/src/gcp/collect/testing.ts'
import { startBigQuery } from '../../scripts/emulators/bigquery.ts'

/** Set by `npm run emulators`, because the emulator needs Python. */
const isWanted = process.env['EMULATORS'] !== undefined

let emulator: Awaited<ReturnType<typeof startBigQuery>> | undefined
beforeAll(async () => {
  if (isWanted) emulator = await startBigQuery(resolve(import.meta.dirname, '../..'))
}, 180_000)
afterAll(async () => await emulator?.stop())

const text = (name: string, type = 'STRING') => ({ name, type })
const record = (name: string, fields: object[], mode = 'NULLABLE') => ({ name, type: 'RECORD', mode, fields })

/** The columns of the detailed export: https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage */
const columns = [
  text('billing_account_id'),
  record('service', [text('id'), text('description')]),
  record('sku', [text('id'), text('description')]),
  text('usage_start_time', 'TIMESTAMP'),
  text('usage_end_time', 'TIMESTAMP'),
  record('project', [text('id'), text('name'), record('labels', [text('key'), text('value')], 'REPEATED')]),
  record('labels', [text('key'), text('value')], 'REPEATED'),
  record('location', [text('region'), text('zone')]),
  record('resource', [text('name'), text('global_name')]),
  record('price', [text('effective_price', 'NUMERIC')]),
  text('export_time', 'TIMESTAMP'),
  text('cost', 'FLOAT'),
  text('currency'),
  record('usage', [text('amount', 'FLOAT'), text('unit')]),
  record('credits', [text('name'), text('amount', 'FLOAT'), text('type')], 'REPEATED'),
  record('invoice', [text('month')]),
  text('cost_type'),
  text('cost_at_list', 'FLOAT'),
]

const row = (account: string, month: string, cost: number, credits: number[]) => ({
  billing_account_id: account,
  service: { id: '6F81', description: 'Compute Engine' },
  sku: { id: 'S', description: 'SSD' },
  usage_start_time: `${month.slice(0, 4)}-${month.slice(4)}-01 10:00:00 UTC`,
  usage_end_time: `${month.slice(0, 4)}-${month.slice(4)}-01 11:00:00 UTC`,
  project: { id: 'mill', name: 'Mill', labels: [] },
  labels: [{ key: 'team', value: 'blue' }],
  location: { region: 'europe-west1' },
  resource: { name: 'r', global_name: '//compute.googleapis.com/projects/4/zones/z/disk/5' },
  price: { effective_price: '0.123456789' },
  export_time: '2024-10-02 12:00:00.123456 UTC',
  cost,
  currency: 'EUR',
  usage: { amount: 1, unit: 'seconds' },
  credits: credits.map((amount) => ({ name: 'credit', amount, type: 'PROMOTION' })),
  invoice: { month },
  cost_type: 'regular',
  cost_at_list: 0.2,
})

async function ask(path: string, body: object): Promise<void> {
  const response = await fetch(`${emulator?.url}/bigquery/v2/projects/${projectId}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.text()
  // The emulator answers errors of SQL with 200.
  if (!response.ok || answer.includes('"errorResult"')) throw new Error(`${path}: ${answer}`)
}

async function createExport(dataset: string, table: string, rows: object[]): Promise<void> {
  await ask('/datasets', { datasetReference: { projectId, datasetId: dataset } })
  await ask(`/datasets/${dataset}/tables`, {
    tableReference: { projectId, datasetId: dataset, tableId: table },
    timePartitioning: { type: 'DAY' },
    schema: { fields: columns },
  })
  await ask(`/datasets/${dataset}/tables/${table}/insertAll`, { rows: rows.map((json) => ({ json })) })
}

/** Collects all bills of the emulator, and imports them. */
async function collected(dataset: string) {
  const { google, access, problems } = await collectFrom(() => undefined)
  const { gcp } = createClouds({ endpoints: { gcp: { token: `${google.url}/token`, api: emulator?.url ?? '' } } })
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-emulator-'))
  try {
    const partitions = []
    for (const delivery of (await Array.fromAsync(gcp.bills(access))).filter(({ id }) => id.startsWith(dataset))) {
      const files = await delivery.fetch(folder)
      const options = { workDir: join(folder, delivery.period), snapshotId: 'imp_test', memoryLimit: '300MB' }
      for (const { period, totals, rows } of (await normalize(files, options)).partitions)
        partitions.push(
          `${delivery.id} ${period}: ${rows} rows, ${totals.map(({ billed, currency }) => `${billed} ${currency}`).join()}`,
        )
    }
    return { partitions, problems }
  } finally {
    await rm(folder, { recursive: true, force: true })
    await google.close()
  }
}

describe.skipIf(!isWanted)('bills of an emulated BigQuery', () => {
  const tableOf = (account: string) => `gcp_billing_export_resource_v1_${account.replaceAll('-', '_')}`
  const rowsOf = (account: string) => [
    row(account, '202410', 0.1, [-0.01, -0.02]),
    row(account, '202410', 0.2, []),
    row(account, '202409', 5, [-5]),
  ]

  test('come into the lake with the sum of their costs and credits', async () => {
    const table = tableOf('0123AB-CDEF01-234567')
    await createExport('billing', table, rowsOf('0123AB-CDEF01-234567'))
    expect(await collected('billing.')).toEqual({
      partitions: [
        `billing.${table}/2024-10 2024-10: 2 rows, 0.27 EUR`,
        `billing.${table}/2024-09 2024-09: 1 rows, 0 EUR`,
      ],
      problems: [],
    })
  })

  test('of a view of FOCUS come first', async () => {
    const table = tableOf('765432-10FEDC-BA3210')
    await createExport('other', table, rowsOf('765432-10FEDC-BA3210'))
    await ask('/queries', {
      useLegacySql: false,
      query: `CREATE VIEW \`${projectId}.other.focus_v1\` AS SELECT
        CAST(cost AS NUMERIC) + IFNULL((SELECT SUM(CAST(c.amount AS NUMERIC)) FROM UNNEST(credits) AS c), 0) AS BilledCost,
        CAST(cost AS NUMERIC) AS EffectiveCost, billing_account_id AS BillingAccountId, currency AS BillingCurrency,
        PARSE_TIMESTAMP('%Y%m', invoice.month) AS BillingPeriodStart,
        TIMESTAMP_ADD(PARSE_TIMESTAMP('%Y%m', invoice.month), INTERVAL 30 DAY) AS BillingPeriodEnd,
        'usage' AS ChargeCategory, usage_start_time AS ChargePeriodStart, usage_end_time AS ChargePeriodEnd,
        'Google Cloud' AS ProviderName, export_time AS x_ExportTime
        FROM \`${projectId}.other.${table}\``,
    })
    expect((await collected('other.')).partitions).toEqual([
      'other.focus_v1/2024-10 2024-10: 2 rows, 0.27 EUR',
      'other.focus_v1/2024-09 2024-09: 1 rows, 0 EUR',
    ])
  })
})
