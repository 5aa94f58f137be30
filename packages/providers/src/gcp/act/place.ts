import type { ActionTarget } from '@cloudoptima/core'

/** Where a resource of Compute Engine is in its project. */
export interface Place {
  /** `zones/europe-west1-b`, `regions/europe-west1` or `global`. */
  scope: string
  collection: string
  /** `zones/europe-west1-b/disks/data` */
  path: string
}

const form = /\/((zones\/[\w-]+|regions\/[\w-]+|global)\/(instances|disks|snapshots|images|addresses)\/[a-z][\w-]*)$/

/** By the name that has the id of the project and the resource's own name; undefined: it is not of Compute Engine. */
export function placeOf(projectId: string, { id, aliases = [] }: Pick<ActionTarget, 'id' | 'aliases'>) {
  const project = `//compute.googleapis.com/projects/${projectId}/`
  for (const name of [id, ...aliases]) {
    const [, path, scope, collection] = (name.startsWith(project) && form.exec(name)) || []
    if (path !== undefined && scope !== undefined && collection !== undefined) return { path, scope, collection }
  }
  return undefined
}

/** `https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/i` as `zones/z/instances/i`. */
export function pathOf(url: string): string {
  return url.replace(/^.*?\/?projects\/[^/]+\//, '')
}

/** The number that Google gave the resource: a later one of the same name has another. */
export function numberOf({ id, aliases = [] }: Pick<ActionTarget, 'id' | 'aliases'>): string | undefined {
  return [id, ...aliases].map((name) => /\/(\d+)$/.exec(name)?.[1]).find((number) => number !== undefined)
}

/** The target under another number, after it was made again. */
export function renumbered(target: ActionTarget, from: string, to: string): ActionTarget {
  const renamed = (name: string) => (name.endsWith(`/${from}`) ? `${name.slice(0, -from.length)}${to}` : name)
  return { ...target, id: renamed(target.id), ...(target.aliases && { aliases: target.aliases.map(renamed) }) }
}
