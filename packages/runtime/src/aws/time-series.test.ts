import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { DailyTotal } from '@cloudoptima/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTimeSeries } from './time-series.ts'

interface Asked {
  DatabaseName: string
  TableName: string
  Records: { Time: string; Version: number; MeasureValues: object[]; Dimensions: object[] }[]
}
const asked: Asked[] = []
/** By request: the records that it rejects. */
let rejected: { RecordIndex: number; Reason: string; ExistingVersion?: number }[][] = []
const server = createServer((request, response) => {
  void json(request).then((body) => {
    asked.push(body as Asked)
    const RejectedRecords = rejected.shift() ?? []
    response.setHeader('Content-Type', 'application/x-amz-json-1.0')
    if (RejectedRecords.length === 0) return response.end('{"RecordsIngested":{}}')
    response.writeHead(400)
    return response.end(JSON.stringify({ __type: 'RejectedRecordsException', Message: 'rejected', RejectedRecords }))
  })
})
let endpoint: string
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())
beforeEach(() => {
  asked.length = 0
  rejected = []
})

const series = () => createTimeSeries({ endpoint, region: 'us-east-1' }, 'costs/daily')
const totals = (count: number): DailyTotal[] =>
  Array.from({ length: count }, (_, n) => ({
    dimensions: { organization: 'org', service: `s${n}` },
    day: '2024-09-01',
    billed: '1.000000000000000001',
    effective: '0',
    version: 7,
  }))

test('values are written in batches of 100, with their version', async () => {
  await series().write(totals(250))
  expect(asked.map(({ Records }) => Records.length)).toEqual([100, 100, 50])
  expect(asked[0]).toMatchObject({ DatabaseName: 'costs', TableName: 'daily' })
  expect(asked[0]?.Records[1]).toMatchObject({
    Time: String(Date.UTC(2024, 8, 1)),
    Version: 7,
    Dimensions: [
      { Name: 'organization', Value: 'org' },
      { Name: 'service', Value: 's1' },
    ],
    MeasureValues: [
      { Name: 'billed', Value: '1.000000000000000001', Type: 'DOUBLE' },
      { Name: 'effective', Value: '0', Type: 'DOUBLE' },
    ],
  })
})

test('a rejected value is an error with its reason', async () => {
  rejected = [[], [{ RecordIndex: 3, Reason: 'The timestamp is outside the retention.' }]]
  await expect(series().write(totals(150))).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/rejected 1 of 50 .*2024-09-01: The timestamp is outside the retention/),
  })
})

test('a value that has a newer version stays; the same version with another value is an error', async () => {
  rejected = [[{ RecordIndex: 0, Reason: 'A higher version exists.', ExistingVersion: 8 }]]
  await series().write(totals(1))
  rejected = [[{ RecordIndex: 0, Reason: 'The version exists.', ExistingVersion: 7 }]]
  await expect(series().write(totals(1))).rejects.toThrow('The version exists.')
})

test('nothing to write asks nothing', async () => {
  await series().write([])
  expect(asked).toEqual([])
})
