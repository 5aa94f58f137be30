import { basename } from 'node:path'
import type { Workspace } from '@cloudoptima/core'
import { group } from '@cloudoptima/lake'
import type { Delivery } from './paths.ts'

/** Joins the actual and the amortized set of an Azure account and period. */
export async function paired(deliveries: readonly Delivery[], workspace: Workspace): Promise<Delivery[]> {
  const single = deliveries.flatMap(({ files: [file, ...more] }) => (file && more.length === 0 ? [file] : []))
  const pairs = (await workspace.within((folder) => group(single, folder))).filter(({ length }) => length > 1)
  const joined = new Set<string>()
  return deliveries.flatMap((delivery) => {
    const pair = pairs.find((files) => delivery.files.every(({ path }) => files.some((file) => file.path === path)))
    if (!pair) return [delivery]
    if (delivery.files.some(({ path }) => joined.has(path))) return []
    for (const { path } of pair) joined.add(path)
    return [{ argument: pair.map(({ name }) => basename(name)).join(' + '), files: pair }]
  })
}
