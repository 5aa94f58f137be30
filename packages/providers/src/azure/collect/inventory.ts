import type { InventoryPart, Resource } from '@cloudoptima/core'
import { unavailable } from '../../access/verdict.ts'
import { json, pages } from './answers.ts'
import { type Calls, Refusal } from './calls.ts'
import { eachPart } from './parts.ts'
import { commitmentRow, commitments, type Row, rows } from './inventory-table.ts'

type Json = Record<string, unknown>

/** The resources of the subscription by type, then reservations and savings plans. */
export async function* inventory(calls: Calls): AsyncGenerator<InventoryPart> {
  const remedy = 'Assign the application the role Reader on the subscription.'
  const graph = rows.map((row) => ({ part: row.type, remedy, read: () => resourcesOf(calls, row) }))
  const lists = commitments.map(({ url, ...list }) => ({ ...list, read: () => commitmentsOf(calls, url) }))
  for await (const { part, found } of eachPart(calls, [...graph, ...lists])) yield { part, resources: found }
}

interface GraphPage {
  data?: Json[]
  count?: number
  totalRecords?: number
  resultTruncated?: string
  $skipToken?: string | null
}

const graphUrl = '/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01'

/** https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data */
async function resourcesOf(calls: Calls, row: Row): Promise<Resource[]> {
  try {
    return await queryGraph(calls, row, 1000)
  } catch (error) {
    if (error instanceof Refusal && error.code === 'ResponsePayloadTooLarge') return await queryGraph(calls, row, 100)
    throw error
  }
}

async function queryGraph(calls: Calls, row: Row, size: number): Promise<Resource[]> {
  const { subscriptionId, tenantId, clientId } = calls.access.credentials
  const filter = [`type =~ '${row.type}'`, ...(row.where ? [row.where] : [])].join(' and ')
  const columns = 'id, name, kind, location, sku, tags, zones, managedBy, properties'
  const found = new Map<string, Resource>()
  let expected = 0
  for (let skipToken: string | null | undefined, isFirst = true; isFirst || skipToken; isFirst = false) {
    const page: GraphPage = await json(calls, {
      api: 'Microsoft.ResourceGraph/resources/read',
      url: graphUrl,
      limits: [{ name: `azure-graph/${tenantId}/${clientId}`, most: 15, windowSeconds: 5 }],
      body: JSON.stringify({
        subscriptions: [subscriptionId],
        query: `resources | where ${filter} | project ${columns} | order by id asc`,
        options: { resultFormat: 'objectArray', $top: size, ...(skipToken && { $skipToken: skipToken }) },
      }),
    })
    expected = page.totalRecords ?? 0
    for (const each of page.data ?? []) {
      const resource = resourceOf(row, each)
      found.set(resource.id, resource)
    }
    if (page.$skipToken && page.$skipToken === skipToken) throw unavailable('Azure', `${row.type}: the pages repeat`)
    skipToken = page.$skipToken
    if (page.resultTruncated === 'true' && !skipToken) throw unavailable('Azure', `${row.type}: the list is cut`)
  }
  if (found.size < expected) throw unavailable('Azure', `${row.type}: ${found.size} of ${expected} resources came`)
  return [...found.values()]
}

interface ListPage {
  value?: Json[]
  nextLink?: string | null
}

async function commitmentsOf(calls: Calls, first: string): Promise<Resource[]> {
  const api = first.slice('/providers/'.length).replace(/\?.*/, '/read')
  const list = await Array.fromAsync(pages(api, (url = first) => json<ListPage>(calls, { api, url })))
  const ours = `/subscriptions/${calls.access.credentials.subscriptionId.toLowerCase()}`
  return list
    .flatMap(({ value = [] }) => value)
    .filter((one) => {
      const scopes = values(one, 'properties.appliedScopes|properties.appliedScopeProperties.subscriptionId')
      // Others belong to another subscription only.
      return scopes.length === 0 || scopes.some((scope) => String(scope).toLowerCase().startsWith(ours))
    })
    .map((one) => {
      const { id, ...resource } = resourceOf(commitmentRow, one)
      return { id, aliases: [id.slice(id.lastIndexOf('/') + 1)], ...resource, ...named(one) }
    })
}

function named(one: Json): { name?: string } {
  const name = text(one, 'properties.displayName')
  return name === undefined ? {} : { name }
}

/** The states of all types in the words of the field; another state stays as it is. */
const words: Record<string, string> = {
  ...Object.fromEntries(
    ['running', 'starting', 'online', 'ready', 'succeeded', 'resuming'].map((word) => [word, 'running']),
  ),
  ...Object.fromEntries(
    ['stopped', 'stopping', 'deallocated', 'deallocating', 'paused', 'pausing', 'disabled'].map((word) => [
      word,
      'stopped',
    ]),
  ),
  ...Object.fromEntries(['attached', 'reserved', 'activesas'].map((word) => [word, 'in-use'])),
  ...Object.fromEntries(['expired', 'cancelled', 'failed'].map((word) => [word, 'terminated'])),
  unattached: 'available',
}

function resourceOf(row: Omit<Row, 'type'>, source: Json): Resource {
  const state =
    row.state &&
    text(source, row.state)
      ?.replace(/^PowerState\//, '')
      .toLowerCase()
  const attachedTo = row.attachedTo && text(source, row.attachedTo)?.toLowerCase()
  const bytes = number(source, row.sizeBytes)
  const fields = {
    name: text(source, 'name'),
    type: text(source, row.size ?? 'sku.name'),
    zone: text(source, 'zones'),
    createdAt: isoTime(text(source, row.createdAt)),
    sizeGb: number(source, row.sizeGb) ?? (bytes === undefined ? undefined : bytes / 2 ** 30),
    iops: number(source, row.iops),
    attachedTo: attachedTo || undefined,
  }
  const known = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<Resource>
  // Only a machine can be in an unknown state; all else is used or not.
  const silent = row.kind === 'instance' ? 'unknown' : attachedTo ? 'in-use' : 'available'
  return {
    ...known,
    // Bills name resources in lower case.
    id: (text(source, 'id') ?? '').toLowerCase(),
    kind: row.kind,
    status: state ? (words[state] ?? state) : silent,
    region: (text(source, 'location') ?? 'global').toLowerCase().replaceAll(' ', ''),
    tags: tagsOf(source.tags),
    configuration: Object.fromEntries([
      ...(row.keep?.split(' ') ?? []).flatMap((path) => kept(source, path)),
      ...(row.count?.split(' ') ?? []).map((path) => [lastName(path), values(source, path).length]),
    ]),
  }
}

const lastName = (path: string) => path.slice(path.lastIndexOf('.') + 1)

function kept(source: Json, path: string): [string, unknown][] {
  const [first, ...more] = values(source, path)
  if (first === undefined) return []
  return [[lastName(path), more.length > 0 ? [first, ...more] : first]]
}

/** The values at a path, through lists, without nulls; of alternatives (`a|b`) the first that has any. */
function values(source: unknown, paths: string | undefined): unknown[] {
  for (const path of paths?.split('|') ?? []) {
    let found: unknown[] = [source]
    for (const name of path.split('.'))
      found = found.flatMap((value) => (value as Json | null)?.[name] ?? []).filter((value) => value !== null)
    if (found.length > 0) return found
  }
  return []
}

function text(source: Json, path: string | undefined): string | undefined {
  const [value] = values(source, path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function number(source: Json, path: string | undefined): number | undefined {
  const [value] = values(source, path)
  return typeof value === 'number' ? value : undefined
}

/** Undefined if it is no time. */
function isoTime(written: string | undefined): string | undefined {
  const time = new Date(written ?? '')
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

function tagsOf(tags: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(tags ?? {}).map(([key, value]) => [key, String(value)]))
}
