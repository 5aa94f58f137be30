import type { InventoryPart, Resource } from '@cloudoptima/core'
import { type Caller, type Page, Refusal } from './calls.ts'
import { type Item, type List, lists, type Names } from './inventory-table.ts'

interface Answer extends Page {
  /** A list, or by zone in an aggregated list of Compute Engine. */
  items?: Item[] | Record<string, { warning?: Warning } & Record<string, Item[]>>
  warning?: Warning
  unreachables?: string[]
  unreachable?: string[]
}

interface Warning {
  code: string
  message?: string
}

/** The resources of the project, API by API. An API that leaves out a place is reported, and its last state stays. */
export async function* inventory(caller: Caller): AsyncGenerator<InventoryPart> {
  const { projectId } = caller.access.credentials
  const number = await projectNumber(caller)
  const idByAlias = new Map<string, string>()
  for (const list of lists) {
    const found = await caller.attempt(list.part, async () => await itemsOf(caller, list))
    if (!found) continue
    const { items, problems } = found
    if (problems.length > 0) {
      const message = `Google Cloud left out ${problems.join('; ')}. The last known state stays.`
      caller.access.report({ state: 'unavailable', part: list.part, message })
      continue
    }
    const resources = items.flatMap((item) => resourcesOf(list, item, { projectId, number }))
    for (const { id, aliases = [] } of resources) for (const alias of aliases) idByAlias.set(alias, id)
    // Attachments are named by the resource's URL; instances come before disks, and disks before snapshots.
    for (const resource of resources)
      if (resource.attachedTo !== undefined)
        resource.attachedTo = idByAlias.get(resource.attachedTo) ?? resource.attachedTo
    yield { part: list.part, resources }
  }
}

/** Bills name resources by the project's number. */
async function projectNumber({ access, call }: Caller): Promise<string | undefined> {
  const { projectId } = access.credentials
  try {
    const { name } = await call<{ name?: string }>({
      service: 'cloudresourcemanager',
      api: 'cloudresourcemanager.projects.get',
      path: `/v3/projects/${projectId}`,
    })
    return /^projects\/(\d+)$/.exec(name ?? '')?.[1]
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

async function itemsOf(caller: Caller, list: List): Promise<{ items: Item[]; problems: string[] }> {
  const { projectId } = caller.access.credentials
  const items: Item[] = []
  const problems: string[] = []
  const request = {
    service: list.service,
    api: list.api,
    path: list.path(projectId),
    query: list.query?.(projectId) ?? {},
  }
  const limits = [{ name: `gcp/${list.service}/${projectId}`, most: 600, windowSeconds: 60 }]
  for await (const page of caller.pages<Answer>({ ...request, limits })) {
    const scopes = list.field === 'items' && page.items && !Array.isArray(page.items) ? page.items : undefined
    for (const [scope, { warning, ...content }] of Object.entries(scopes ?? {})) {
      items.push(...Object.values(content).flat())
      problems.push(...warningOf(warning, scope))
    }
    if (!scopes) items.push(...((page[list.field as 'items'] as Item[] | undefined) ?? []))
    problems.push(...warningOf(page.warning, list.part), ...(page.unreachables ?? []), ...(page.unreachable ?? []))
  }
  return { items, problems }
}

function warningOf(warning: Warning | undefined, place: string): string[] {
  return warning && warning.code !== 'NO_RESULTS_ON_PAGE' ? [`${place} (${warning.code})`] : []
}

function resourcesOf(list: List, item: Item, project: { projectId: string; number: string | undefined }): Resource[] {
  return list.resources(item).map(({ names, ...described }) => ({ ...idsOf(names, project), ...described }))
}

/**
 * The name in bills, with the project's number and the resource's own number; then the other spellings, such as those of
 * Cloud Asset Inventory.
 */
function idsOf(
  { service, collections, ids, others = [] }: Names,
  { projectId, number }: { projectId: string; number: string | undefined },
): Pick<Resource, 'id' | 'aliases'> {
  const projects = number === undefined ? [projectId] : [number, projectId]
  const [id = '', ...aliases] = collections.flatMap((collection) =>
    ids.flatMap((own) =>
      projects.map((project) => `//${service}.googleapis.com/projects/${project}/${collection}/${own}`),
    ),
  )
  return { id, aliases: [...aliases, ...others] }
}
