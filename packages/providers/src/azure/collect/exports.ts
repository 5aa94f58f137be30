import * as z from 'zod'
import type { AccessTo } from '../../access/verdict.ts'
import { exportsUrl } from '../cost-management.ts'
import { json, pages } from './answers.ts'
import type { Container } from './blobs.ts'
import type { Calls, Question } from './calls.ts'
import { orReport } from './parts.ts'

export type CostSet = 'focus' | 'actual' | 'amortized'

/** A cost export of the subscription, and its folder. */
export interface Export {
  name: string
  set: CostSet
  container: Container
  /** Ends with a slash. */
  folder: string
}

const sets: Record<string, CostSet> = {
  FocusCost: 'focus',
  ActualCost: 'actual',
  Usage: 'actual',
  AmortizedCost: 'amortized',
}

const Listed = z.object({
  id: z.string(),
  name: z.string(),
  properties: z.object({
    definition: z.object({ type: z.string() }),
    deliveryInfo: z.object({
      destination: z.object({
        resourceId: z.string().nullish(),
        container: z.string(),
        rootFolderPath: z.string().nullish(),
      }),
    }),
  }),
})

/** The cost exports that cover the whole subscription; the others are reported. */
export async function listExports(calls: Calls): Promise<Export[] | undefined> {
  const { credentials } = calls.access
  const read = async (question: Question) =>
    await json<{ value?: unknown[]; nextLink?: string | null }>(calls, question)
  const remedy = 'Assign the application the role Cost Management Reader on the subscription.'
  const listed = await orReport(calls, { part: 'exports', remedy }, async () =>
    Array.fromAsync(
      pages({ api: 'Microsoft.CostManagement/exports/read', url: exportsUrl(credentials.subscriptionId) }, read),
    ),
  )
  return listed?.flatMap(({ value = [] }) => value.flatMap((one) => exportOf(calls.access, one)))
}

function exportOf({ report }: AccessTo<'azure'>, listed: unknown): Export[] {
  const found = Listed.safeParse(listed)
  const set = found.success ? sets[found.data.properties.definition.type] : undefined
  if (!found.success || !set) return []
  const { id, name, properties } = found.data
  const { resourceId, container, rootFolderPath } = properties.deliveryInfo.destination
  const unusable = (message: string) => {
    report({ state: 'bill_incomplete', part: `exports/${name}`, message })
    return []
  }
  if (/\/resourceGroups\//i.test(id))
    return unusable('The export covers one resource group. Create an export of the whole subscription.')
  // These names become a host and a path.
  const account = /\/storageAccounts\/([a-z\d]{3,24})$/i.exec(resourceId ?? '')?.[1]?.toLowerCase()
  if (account === undefined || !/^(\$root|[a-z\d](?:-?[a-z\d]){2,62})$/.test(container))
    return unusable('The export has no destination in a storage account. Choose a container of a storage account.')
  const path = [...(rootFolderPath ?? '').split('/'), name].filter(Boolean)
  return [{ name, set, container: { account, name: container }, folder: `${path.join('/')}/` }]
}
