import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** The state of an organization at this time. */
export const now = '2026-11-29T06:00:00.000Z'
export const accounts = 50
const hours = 14 * 24
const days = 90

/** The account that a resource belongs to. */
const account = `printf('%012d', n % ${accounts})`
const kind = `['instance', 'instance', 'volume', 'volume', 'snapshot', 'database', 'load_balancer', 'address'][1 + n % 8]`
const arn = `kind || '-' || n`

/** Writes the Parquet files of AWS accounts with so many resources: inventory, hourly utilization and daily costs. */
export async function inventory(folder: string, count: number): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  for (const part of ['resources', 'resource_changes', 'utilization', 'costs'])
    await mkdir(join(folder, part), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '2GB', temp_directory: folder })
  const connection = await instance.connect()
  const file = (part: string, n: number) => `'${join(folder, part, `${n}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`
  await connection.run(`CREATE TABLE made AS SELECT *, ${arn} AS id FROM (
    SELECT n, ${account} AS account, ${kind} AS kind, hash(n) % 100 / 100 AS busy FROM range(${count}) AS r(n)
  )`)
  for (let n = 0; n < accounts; n++) {
    const own = `(SELECT * FROM made WHERE account = printf('%012d', ${n}))`
    await connection.run(`COPY (SELECT id AS ResourceId, []::VARCHAR[] AS x_Aliases, 'aws' AS ServiceProviderName, account AS SubAccountId,
      'ec2:all' AS x_Part, kind AS x_Kind, 'name-' || n AS ResourceName,
      CASE kind WHEN 'instance' THEN 'm5.2xlarge' WHEN 'database' THEN 'db.m5.2xlarge' WHEN 'volume' THEN 'gp2' END AS ResourceType,
      CASE WHEN kind IN ('instance', 'database') THEN 'running' ELSE 'available' END AS x_Status, 'eu-central-1' AS RegionId,
      NULL::VARCHAR AS AvailabilityZone, '2026-01-01T00:00:00.000Z' AS x_CreatedAt, 100.0 AS x_SizeGb, NULL::DOUBLE AS x_Iops,
      CASE WHEN kind = 'volume' AND n % 3 > 0 THEN 'instance-' || (n - 2) END AS x_AttachedTo,
      json_object('team', 'blue', 'environment', 'production') AS Tags,
      json_object('PlatformDetails', 'Linux/UNIX', 'Engine', 'postgres', 'EngineVersion', '16.4', 'SubnetId', 'subnet-' || n) AS x_Configuration,
      '${now}' AS x_TakenAt FROM ${own} ORDER BY ResourceId) TO ${file('resources', n)}`)
    // Every second resource was tagged, and every fourth instance is started and stopped each day.
    await connection.run(`COPY (SELECT 'aws' AS ServiceProviderName, account AS SubAccountId, id AS ResourceId, kind AS x_Kind,
      change AS x_Change, strftime(TIMESTAMP '${now.slice(0, 19)}' - to_hours(CAST(hour AS BIGINT)), '%Y-%m-%dT%H:00:00.000Z') AS x_At,
      NULL::VARCHAR AS x_Before, NULL::VARCHAR AS x_After FROM (
        SELECT *, 'retagged' AS change, 99 AS hour FROM ${own} WHERE n % 2 = 0
        UNION ALL SELECT m.*, CASE turn % 2 WHEN 0 THEN 'started' ELSE 'stopped' END, 12 * turn + 6 FROM ${own} AS m, range(28) AS t(turn) WHERE n % 32 = 0
      )) TO ${file('resource_changes', n)}`)
    await connection.run(`COPY (SELECT 'aws' AS ServiceProviderName, account AS SubAccountId, id AS ResourceId,
      strftime(TIMESTAMP '${now.slice(0, 19)}' - to_hours(hour), '%Y-%m-%dT%H:00:00.000Z') AS x_Hour, metric AS x_Metric,
      CASE metric WHEN 'cpu' THEN 60 ELSE 1e8 END * busy * (hash(id || metric || hour) % 1000 / 1000) AS x_Average, 1.5 * x_Average AS x_Maximum
      FROM ${own}, range(1, ${hours + 1}) AS h(hour),
        unnest(CASE kind WHEN 'instance' THEN ['cpu', 'network_in', 'network_out'] WHEN 'database' THEN ['cpu', 'connections'] ELSE [] END) AS m(metric)
      ORDER BY ResourceId, x_Metric, x_Hour) TO ${file('utilization', n)}`)
    await connection.run(`COPY (SELECT id AS ResourceId, 'AWS' AS ServiceProviderName, account AS SubAccountId, '1' AS BillingAccountId,
      'eu-central-1' AS RegionId, CASE kind WHEN 'instance' THEN 'EUC1-BoxUsage:m5.2xlarge' WHEN 'volume' THEN 'EUC1-EBS:VolumeUsage.gp2'
        ELSE 'EUC1-' || kind END AS SkuMeter, NULL::VARCHAR AS SkuId,
      CASE kind WHEN 'instance' THEN 'USD 0.4 per On Demand Linux m5.2xlarge Instance Hour' END AS ChargeDescription, 'Amazon Elastic Compute Cloud' AS ServiceName,
      'USD' AS BillingCurrency, 1.5::DECIMAL(38, 18) AS EffectiveCost, 2::DECIMAL(38, 18) AS ListCost, 24::DECIMAL(38, 18) AS PricingQuantity, 'Hrs' AS PricingUnit, 1.5::DECIMAL(38, 18) AS ContractedCost,
      NULL::VARCHAR AS CommitmentDiscountId, NULL::VARCHAR AS CommitmentDiscountStatus, 'Usage' AS ChargeCategory, 'Standard' AS PricingCategory,
      TIMESTAMP '2026-08-31' + to_days(day) AS ChargePeriodStart, TIMESTAMP '2026-09-01' + to_days(day) AS ChargePeriodEnd
      FROM ${own}, range(${days}) AS d(day)) TO ${file('costs', n)}`)
  }
  connection.closeSync()
}
