import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type SimulatedClouds, startClouds } from '../../packages/clouds/src/index.ts'
import type { Access, ActionName, ActionOrder, Resource, ResourceKind } from '../../packages/core/src/index.ts'
import { createClouds } from '../../packages/providers/src/access.ts'
import { listen, type Loopback } from '../../packages/providers/src/testing/loopback.ts'
import { discoveryOf } from '../../scripts/emulators/discovery.ts'

/** Set by `npm run emulators`, because the documents come from PyPI. */
const isWanted = process.env['EMULATORS'] !== undefined

interface Property {
  $ref?: string | undefined
  type?: string | undefined
  enum?: string[] | undefined
  items?: Property | undefined
  properties?: Record<string, Property> | undefined
  additionalProperties?: Property | undefined
}
const Property: z.ZodType<Property> = z.object({
  $ref: z.string().optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  items: z.lazy(() => Property).optional(),
  properties: z
    .record(
      z.string(),
      z.lazy(() => Property),
    )
    .optional(),
  additionalProperties: z.lazy(() => Property).optional(),
})
const Reference = z.object({ $ref: z.string() }).optional()
const Method = z.object({
  id: z.string(),
  httpMethod: z.string(),
  path: z.string(),
  flatPath: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  request: Reference,
  response: Reference,
})
const Methods = z.record(z.string(), z.object({ methods: z.record(z.string(), Method).default({}) }))
/** https://developers.google.com/discovery/v1/reference/apis */
const Document = z.object({ schemas: z.record(z.string(), Property), resources: Methods })
type Document = z.output<typeof Document>

interface Exchange {
  method: string
  path: string
  parameters: string[]
  body: unknown
  answer: unknown
}

/** How a value differs from a schema: unknown fields, other types, values that are not in an enumeration. */
function complaints({ schemas }: Document, property: Property, value: unknown, at: string): string[] {
  const { $ref, type, items, properties, additionalProperties } = property
  const document = { schemas, resources: {} }
  if ($ref !== undefined) return complaints(document, schemas[$ref] ?? {}, value, at)
  if (type === 'array')
    return Array.isArray(value)
      ? value.flatMap((each) => complaints(document, items ?? {}, each, `${at}[]`))
      : [`${at} is no list`]
  if (type === 'object')
    return Object.entries(value as object).flatMap(([field, each]) => {
      const known = properties?.[field] ?? additionalProperties
      return known ? complaints(document, known, each, `${at}.${field}`) : [`${at}.${field} is unknown`]
    })
  if (typeof value !== (type === 'integer' ? 'number' : type)) return [`${at} is no ${type}`]
  return property.enum && !property.enum.includes(String(value)) ? [`${at} is ${String(value)}`] : []
}

const literalFirst = (a: string, b: string) => a.split('{').length - b.split('{').length

/** The method of an exchange, and how the exchange differs from it. */
function judged(document: Document, { method, path, parameters, body, answer }: Exchange) {
  const rest = path.replace(/^\/(compute\/v1\/)?/, '')
  const [found] = Object.values(document.resources)
    .flatMap(({ methods }) => Object.values(methods))
    .map((each) => ({ ...each, pattern: each.flatPath ?? each.path }))
    .filter(
      (each) => each.httpMethod === method && new RegExp(`^${each.pattern.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(rest),
    )
    .toSorted((a, b) => literalFirst(a.pattern, b.pattern))
  if (!found) return { id: '', differences: [`${method} ${path} is no method`] }
  const { id, request, response } = found
  return {
    id,
    differences: [
      ...parameters.filter((name) => !(name in found.parameters)).map((name) => `${id} has no parameter ${name}`),
      ...(body === undefined ? [] : request ? complaints(document, request, body, id) : [`${id} takes no body`]),
      ...(response ? complaints(document, response, answer, `${id}: answer`) : []),
    ],
  }
}

describe.runIf(isWanted)('each request and simulated answer of', () => {
  const world = { now: new Date('2026-11-26T12:00:00Z'), dir: '' }
  const exchanges: Exchange[] = []
  let clouds: SimulatedClouds
  let proxy: Loopback
  beforeAll(async () => {
    world.dir = await mkdtemp(join(tmpdir(), 'cloudoptima-shapes-'))
    clouds = await startClouds({ dir: world.dir, now: () => world.now, seed: 3, rows: 16_000, months: 2 })
    proxy = await listen(async ({ method, path, query, headers, body }) => {
      const { authorization = '', 'content-type': type = '' } = headers
      const answer = await fetch(`${clouds.endpoints.gcp?.api}${path}?${query.toString()}`, {
        method,
        headers: { ...(authorization && { authorization }), 'content-type': type },
        ...(body !== '' && { body }),
      })
      const shown: unknown = await answer.json()
      const asked = body.startsWith('{') ? JSON.parse(body) : undefined
      if (answer.ok) exchanges.push({ method, path, parameters: [...query.keys()], body: asked, answer: shown })
      return { status: answer.status, body: shown }
    })
  })
  afterAll(async () => {
    await proxy.close()
    await clouds.close()
    await rm(world.dir, { recursive: true, force: true })
  })

  function accessTo(projectId: string) {
    const own = clouds.actingRoles.gcp[projectId]
    if (!own) throw new Error(`The company has no project ${projectId}`)
    const access: Access = {
      credentials: { cloud: 'gcp', ...own },
      meter: { take: async () => undefined },
      report: () => undefined,
      signal: AbortSignal.timeout(60_000),
      now: () => world.now,
    }
    const { gcp } = createClouds({ endpoints: { gcp: { token: `${proxy.url}/token`, api: proxy.url } } })
    return { gcp, access }
  }

  /** Acts, and undoes it, until each is done. */
  async function play(projectId: string, name: ActionName, one: Resource, type: string): Promise<void> {
    const { gcp, access } = accessTo(projectId)
    const action = await gcp.action(access, name)
    const before = await action?.readState(one)
    if (!action || !before) throw new Error(`${name} cannot read its target`)
    const plan = await action.plan({ target: one, parameters: { type }, before })
    if (plan === 'done already' || 'refusal' in plan) throw new Error(JSON.stringify(plan))
    const order: ActionOrder = { target: one, parameters: {}, before, after: plan.after, token: name, memory: {} }
    for (const step of ['act', 'undo'] as const) {
      if (step === 'undo' && plan.undo === 'none') return
      for (let isDone = false; !isDone; world.now = new Date(world.now.getTime() + 30_000)) {
        const answer = await action[step](order)
        order.memory = answer.memory
        isDone = answer.state === 'done'
      }
    }
  }

  const resize = ['compute.instances.stop', 'compute.instances.setMachineType', 'compute.instances.start']
  const patch = 'sql.instances.patch'
  test.each<[ActionName, ResourceKind, string, string[], string?]>([
    ['stop-instance', 'instance', 'larkfield-analytics-prod', ['compute.instances.stop', 'compute.instances.start']],
    ['resize-instance', 'instance', 'larkfield-analytics-prod', [...resize, ...resize], 'e2-standard-8'],
    [
      'delete-volume',
      'volume',
      'larkfield-search-prod',
      ['compute.disks.createSnapshot', 'compute.disks.delete', 'compute.disks.insert', 'compute.snapshots.delete'],
    ],
    ['delete-snapshot', 'snapshot', 'larkfield-search-prod', ['compute.snapshots.delete']],
    [
      'release-address',
      'address',
      'larkfield-analytics-stage',
      [
        'compute.addresses.delete',
        'compute.addresses.insert',
        'compute.addresses.insert',
        'compute.addresses.setLabels',
      ],
    ],
    ['stop-database', 'database', 'larkfield-uk-store', [patch, patch]],
    ['resize-database', 'database', 'larkfield-uk-store', [patch, patch], 'db-custom-2-8192'],
  ])('%s fits the discovery documents of Google', async (name, kind, projectId, expected, type = '') => {
    const { gcp, access } = accessTo(projectId)
    const parts = await Array.fromAsync(gcp.inventory(access))
    const some = parts.flatMap(({ resources }) => resources).filter((each) => each.kind === kind)
    const one = some.find(({ status }) => status !== 'in-use' && status !== 'stopped')
    if (!one) throw new Error(`The project has no such ${kind}`)
    exchanges.length = 0
    await play(projectId, name, one, type)
    const root = resolve(import.meta.dirname, '../..')
    const [compute, sql] = ['compute.v1', 'sqladmin.v1'].map((api) => Document.parse(discoveryOf(root, api)))
    const all = exchanges
      .filter(({ path }) => path !== '/token')
      .map((each) => judged(each.path.startsWith('/compute/') ? (compute as Document) : (sql as Document), each))
    expect(all.flatMap(({ differences }) => differences)).toEqual([])
    const changes = all.map(({ id }) => id).filter((id) => !/\.(get|list)$/.test(id))
    expect(changes).toEqual(expected)
  })
})
