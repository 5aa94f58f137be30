import type { InventoryPart } from '@cloudoptima/core'
import { merged } from '../../collect/concurrent.ts'
import { globalRegion } from '../access/session.ts'
import { Failure } from './failure.ts'
import { databaseRows } from './inventory/databases.ts'
import { ec2Rows } from './inventory/ec2.ts'
import { globalRows } from './inventory/global.ts'
import { type Place, type Row } from './inventory/row.ts'
import { serviceRows } from './inventory/services.ts'
import { hasTagsApart, tagsIn } from './inventory/tags.ts'
import type { Reader } from './reader.ts'

const mostRegions = 4
/** In the place of a region, for APIs that answer for all regions. */
const everywhere = 'global'
const regionRows = [...ec2Rows, ...serviceRows, ...databaseRows]

/** The resources of all regions that the account has switched on; a part that cannot be read is reported instead. */
export async function* inventory(reader: Reader): AsyncGenerator<InventoryPart> {
  const { regions: known } = reader.access
  const enabled = await enabledRegions(reader)
  const regions = known ? enabled.filter((region) => known.includes(region)) : enabled
  const sources = [partsOf(reader, everywhere, globalRows), ...regions.map((region) => partsIn(reader, region))]
  yield* merged(sources, mostRegions)
}

async function enabledRegions(reader: Reader): Promise<string[]> {
  const { DescribeRegionsCommand, EC2Client } = await import('@aws-sdk/client-ec2')
  // Without AllRegions, those that the account has not switched on are left out.
  const { Regions = [] } = await reader.client('ec2', EC2Client).send(new DescribeRegionsCommand({}))
  return Regions.flatMap(({ RegionName }) => RegionName ?? [])
}

/** A policy that denies the first API of a region denies the region. */
async function* partsIn(reader: Reader, region: string): AsyncGenerator<InventoryPart> {
  const [first, ...rest] = regionRows
  if (!first) return
  const isOff = yield* partOf(reader, region, first)
  if (!isOff) yield* partsOf(reader, region, rest)
}

async function* partsOf(reader: Reader, region: string, rows: readonly Row[]): AsyncGenerator<InventoryPart> {
  for (const row of rows) yield* partOf(reader, region, row)
}

async function* partOf(reader: Reader, region: string, row: Row): AsyncGenerator<InventoryPart, boolean> {
  const part = `${row.part}/${region}`
  try {
    yield { part, resources: await row.list(await placeOf(reader, region, row)) }
    return false
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const isOff = error.state === 'region_disabled' && row === regionRows[0]
    reader.report({ state: error.state, part: isOff ? region : part, message: error.message })
    return isOff
  }
}

async function placeOf(reader: Reader, region: string, row: Row): Promise<Place> {
  const [prefix = ''] = row.part.split(':')
  const isGlobal = region === everywhere
  return {
    reader,
    region,
    client: (kind, at = isGlobal ? globalRegion : region) => reader.client(prefix, kind, at),
    arn: (resource) => `arn:${reader.partition}:${prefix}:${region}:${reader.account}:${resource}`,
    tags: !isGlobal && hasTagsApart(prefix) ? await tagsIn(reader, region) : new Map(),
  }
}
