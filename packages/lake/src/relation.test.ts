import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountOfCloud, isOfCloud, isSameAccount, Money, type NormalizedPartition } from '@cloudoptima/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, open, parquet, rows } from './database.ts'
import { exportFocus } from './export.ts'
import { normalize } from './normalize.ts'
import { statements } from './queries.ts'
import { relation } from './relation.ts'
import { csv, type Row } from './testing.ts'

let folder: string
let database: Database
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-relation-'))
  database = await open({ tempDir: folder, memoryLimit: '200MB' })
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true, force: true })
})

async function bring(bill: Partial<Row>[]): Promise<NormalizedPartition[]> {
  const path = join(folder, `${count++}.csv`)
  await writeFile(path, csv(bill))
  const options = { workDir: `${path}-work`, snapshotId: 'imp_test', memoryLimit: '200MB' }
  return (await normalize([{ name: 'bill.csv', path }], options)).partitions
}

/** The amounts of the rows that a relation has, and what the query over the excluded rows says. */
async function seen(partitions: NormalizedPartition[], excluded: readonly AccountOfCloud[]) {
  const [costs, rollup] = [
    partitions.flatMap(({ files }) => files.costs),
    partitions.flatMap(({ files }) => files.cost_rollup),
  ]
  const visible = await rows<{ cost: string }>(
    database.connection,
    `SELECT CAST(BilledCost AS VARCHAR) AS cost FROM ${relation('costs', parquet(costs), excluded)}`,
  )
  const statement = statements.excludedCosts({})
  const out = await rows<{ accountId: string; currency: string; rows: number; billed: string; effective: string }>(
    database.connection,
    statement.sql.replace('{files}', relation(statement.dataset, parquet(rollup), excluded, statement.reads)),
  )
  return { visible: visible.map(({ cost }) => Money.plain(Money.parse(cost))).toSorted(), out }
}

const aws = (accountId: string): AccountOfCloud => ({ cloud: 'aws', accountId })
const usage = (SubAccountId: string, BilledCost: string, given: Partial<Row> = {}): Partial<Row> => ({
  SubAccountId,
  BilledCost,
  EffectiveCost: BilledCost,
  ...given,
})

describe('the rows of the lake without excluded accounts', () => {
  test('are those of all other accounts; the query over the excluded rows has the rest', async () => {
    const bill = await bring([usage('1', '0.1'), usage('1', '0.2'), usage('2', '4'), usage('', '8')])
    const { visible, out } = await seen(bill, [aws('1'), aws('9')])
    expect(visible).toEqual(['4', '8'])
    expect(out.map((row) => ({ ...row, billed: Money.plain(Money.parse(row.billed)) }))).toMatchObject([
      { accountId: '1', currency: 'USD', rows: 2, billed: '0.3' },
    ])
  })

  test('leave out rows of the billing account without a sub-account, and keep rows of other sub-accounts on its bill', async () => {
    const bill = await bring([usage('', '8'), usage('0012345678901', '2'), usage('2', '4')])
    expect((await seen(bill, [aws('0012345678901')])).visible).toEqual(['4'])
  })

  test('are all rows if the excluded account is of another cloud', async () => {
    const bill = await bring([usage('1', '1')])
    expect(await seen(bill, [{ cloud: 'gcp', accountId: '1' }])).toEqual({ visible: ['1'], out: [] })
    expect(await seen(bill, [])).toEqual({ visible: ['1'], out: [] })
  })

  test('of another dataset than costs are selected by the sub-account', async () => {
    const path = join(folder, 'resources.parquet')
    const resources = `(VALUES ('AWS', 'secret', 'i-1'), ('AWS', '2', 'i-2'))`
    await database.connection.run(
      `COPY (SELECT * FROM ${resources} AS r(ServiceProviderName, SubAccountId, ResourceId)) TO '${path}' (FORMAT parquet)`,
    )
    const from = relation('resources', parquet([path]), [aws('secret')])
    expect(await rows(database.connection, `SELECT ResourceId FROM ${from}`)).toEqual([{ ResourceId: 'i-2' }])
  })

  test('are the rows that an export writes', async () => {
    const costs = (await bring([usage('secret', '1'), usage('2', '4')])).flatMap(({ files }) => files.costs)
    const path = join(folder, 'export.csv')
    const from = relation('costs', parquet(costs), [aws('secret')])
    expect(await exportFocus(database.connection, from, { version: '1.2', path })).toBe(1)
    expect(await readFile(path, 'utf8')).not.toContain('secret')
  })

  const guid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
  const accounts: AccountOfCloud[] = [
    aws('111111111111'),
    { cloud: 'azure', accountId: guid },
    { cloud: 'gcp', accountId: 'my-project' },
  ]
  const spellings = [
    '111111111111',
    '211111111111',
    'my-project',
    'y-project',
    `/subscriptions/${guid}`,
    `/SUBSCRIPTIONS/${guid.toUpperCase()}`,
    guid,
    '',
  ]
  const charge = fc.record({
    SubAccountId: fc.constantFrom(...spellings),
    BilledCost: fc
      .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 9 }))
      .map(([n, d]) => (n / 10 ** d).toFixed(d)),
    BillingAccountId: fc.constantFrom('111111111111', 'payer'),
    ProviderName: fc.constantFrom('AWS', 'Amazon Web Services', 'Microsoft', 'Google Cloud', 'Oracle'),
  })

  test("match core's comparison of accounts for every spelling, and lose no digit", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(charge, { minLength: 1, maxLength: 12 }),
        fc.subarray(accounts),
        async (bill, excluded) => {
          const isOut = ({ ProviderName, SubAccountId, BillingAccountId }: (typeof bill)[number]) =>
            excluded.some(
              ({ cloud, accountId }) =>
                isOfCloud(ProviderName, cloud) && isSameAccount(SubAccountId || BillingAccountId, accountId),
            )
          const { visible, out } = await seen(await bring(bill), excluded)
          const plain = (amount: string) => Money.plain(Money.parse(amount))
          expect(visible).toEqual(
            bill
              .filter((row) => !isOut(row))
              .map(({ BilledCost }) => plain(BilledCost))
              .toSorted(),
          )
          expect(Money.plain(Money.sum(out.map(({ billed }) => Money.parse(billed))))).toBe(
            Money.plain(Money.sum(bill.filter(isOut).map(({ BilledCost }) => Money.parse(BilledCost)))),
          )
        },
      ),
      { numRuns: 25 },
    )
  })
})
