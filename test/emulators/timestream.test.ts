import { createRequire } from 'node:module'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { optionalSubscriptions, type TimeSeries } from '@cloudoptima/core'
import { createRuntime, noLake } from '@cloudoptima/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from '../world.ts'
import { emulators } from './collection.ts'
import { type Front, frontOf } from './front.ts'

// The subscriber to cost.landed writes to Timestream of moto. moto knows no versions, so the test applies them.

const { moto = '' } = emulators
const credentials = { accessKeyId: 'AKIATIMESERIES', secretAccessKey: 'test' }
const table = { DatabaseName: 'costs', TableName: 'daily' }

type Command = new (input: object) => object
interface Sdk {
  TimestreamWriteClient: new (config: object) => { send(command: object): Promise<unknown> }
  CreateDatabaseCommand: Command
  CreateTableCommand: Command
}
interface Point {
  Dimensions: { Name: string; Value: string }[]
  MeasureValues: { Name: string; Value: string }[]
  Time: string
  Version: number
}

describe.skipIf(moto === '')('Timestream of moto', () => {
  let folder: string
  let world: World
  let front: Front
  let seriesOf: (timestreamTable: string) => TimeSeries
  const received: Point[] = []

  beforeAll(async () => {
    const load = createRequire(join(import.meta.dirname, '..', '..', 'packages', 'runtime', 'package.json'))
    const sdk = load('@aws-sdk/client-timestream-write') as Sdk
    const client = new sdk.TimestreamWriteClient({ endpoint: moto, region: 'us-east-1', credentials })
    await client.send(new sdk.CreateDatabaseCommand(table))
    await client.send(new sdk.CreateTableCommand(table))
    front = await frontOf(moto, ({ operation, body }) => {
      if (operation === 'WriteRecords') received.push(...(JSON.parse(body) as { Records: Point[] }).Records)
      return undefined
    })
    folder = await mkdtemp(join(tmpdir(), 'cloudoptima-timestream-'))
    const names = { tableName: '', bucketName: '', region: 'us-east-1', endpoints: { timestream: front.url } }
    seriesOf = (timestreamTable) => createRuntime({ ...names, credentials, timestreamTable, lake: noLake }).timeSeries
    world = await openWorld({ wrap: (runtime) => ({ ...runtime, timeSeries: seriesOf('costs/daily') }) })
  })
  afterAll(async () => {
    await world.end()
    await front.close()
    await rm(folder, { recursive: true })
  })

  const header =
    'BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,ServiceName'
  async function land(name: string, charges: [day: string, service: string, cost: string][]): Promise<void> {
    const lines = charges.map(
      ([day, service, cost]) =>
        `${cost},${cost},1,USD,2024-09-01T00:00:00Z,2024-10-01T00:00:00Z,${day}T00:00:00Z,${day}T12:00:00Z,Usage,AWS,${service}`,
    )
    const path = join(folder, name)
    await writeFile(path, [header, ...lines, ''].join('\n'))
    const { id, lakeVersion = 0 } = await world.bring([path], { replace: true })
    await optionalSubscriptions['write-time-series'].run(world.ctx, {
      id: `evt_${name}`,
      name: 'cost.landed',
      orgId: world.ctx.orgId,
      at: new Date().toISOString(),
      data: { importId: id, lakeVersion },
    })
  }

  /** The newest version of each point that moto received. */
  function points(): [service: string, day: string, billed: string][] {
    const newest = new Map<string, Point>()
    for (const point of received) {
      const key = JSON.stringify([point.Dimensions, point.Time])
      if ((newest.get(key)?.Version ?? 0) <= point.Version) newest.set(key, point)
    }
    const valueOf = (named: { Name: string; Value: string }[], name: string) =>
      named.find(({ Name }) => Name === name)?.Value ?? ''
    return [...newest.values()]
      .map(({ Dimensions, MeasureValues, Time }): [string, string, string] => [
        valueOf(Dimensions, 'service'),
        new Date(Number(Time)).toISOString().slice(0, 10),
        valueOf(MeasureValues, 'billed'),
      ])
      .toSorted()
  }

  test('has the daily totals of a bill, and after its restatement those of the new version', async () => {
    const many = Array.from({ length: 120 }, (_, n): [string, string, string] => ['2024-09-03', `Service ${n}`, '1'])
    await land('first.csv', [['2024-09-01', 'S3', '0.10'], ['2024-09-01', 'S3', '0.20'], ...many])
    const first = points()
    expect(first).toHaveLength(121)
    expect(first[0]).toEqual(['S3', '2024-09-01', '0.3'])
    await land('second.csv', [['2024-09-02', 'S3', '7']])
    const second = points()
    expect(second).toHaveLength(122)
    expect(second.filter(([, , billed]) => billed !== '0')).toEqual([['S3', '2024-09-02', '7']])
  })

  test('a table that does not exist is an error', async () => {
    const total = { dimensions: { organization: 'org' }, day: '2024-09-01', billed: '1', effective: '1', version: 1 }
    await expect(seriesOf('costs/missing').write([total])).rejects.toThrow('missing')
  })
})
