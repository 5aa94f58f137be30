import {
  type _Record as Point,
  RejectedRecordsException,
  TimestreamWriteClient,
  type TimestreamWriteClientConfig,
  WriteRecordsCommand,
} from '@aws-sdk/client-timestream-write'
import { type DailyTotal, Fault, type TimeSeries } from '@cloudoptima/core'

/** AWS's limit of one request. */
const batchSize = 100

/** `table` is `database/table`, with magnetic store writes enabled. */
export function createTimeSeries(config: TimestreamWriteClientConfig, table: string): TimeSeries {
  const client = new TimestreamWriteClient(config)
  const [DatabaseName, TableName] = table.split('/')
  return {
    async write(totals) {
      for (let at = 0; at < totals.length; at += batchSize) {
        const batch = totals.slice(at, at + batchSize)
        try {
          await client.send(new WriteRecordsCommand({ DatabaseName, TableName, Records: batch.map(pointOf) }))
        } catch (error) {
          if (!(error instanceof RejectedRecordsException)) throw error
          refuse(error, batch)
        }
      }
    },
  }
}

function pointOf({ dimensions, day, billed, effective, version }: DailyTotal): Point {
  return {
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    MeasureName: 'cost',
    MeasureValueType: 'MULTI',
    MeasureValues: Object.entries({ billed, effective }).map(([Name, Value]) => ({ Name, Value, Type: 'DOUBLE' })),
    Time: String(Date.parse(day)),
    TimeUnit: 'MILLISECONDS',
    Version: version,
  }
}

/** A point with a newer version is what the caller wants. */
function refuse({ RejectedRecords = [] }: RejectedRecordsException, batch: readonly DailyTotal[]) {
  const refused = RejectedRecords.filter(
    ({ RecordIndex = 0, ExistingVersion = 0 }) => ExistingVersion <= (batch[RecordIndex]?.version ?? 0),
  )
  const [first] = refused
  if (!first && RejectedRecords.length > 0) return
  const day = batch[first?.RecordIndex ?? 0]?.day
  throw new Fault(
    'invalid',
    `Timestream rejected ${refused.length} of ${batch.length} daily totals, the first of ${day}: ${first?.Reason}`,
  )
}
