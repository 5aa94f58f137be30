import type { Export as Listed } from '@azure/arm-costmanagement'
import { type AccessTo, unavailable } from '../../access/verdict.ts'
import { costAnswer } from './answers.ts'
import type { Container } from './blobs.ts'
import type { Calls } from './calls.ts'
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

/** The cost exports that cover the whole subscription; the others are reported. */
export async function listExports(calls: Calls): Promise<Export[] | undefined> {
  const api = 'Microsoft.CostManagement/exports/read'
  const remedy = 'Assign the application the role Cost Management Reader on the subscription.'
  const answer = await orReport(calls, { part: 'exports', remedy }, () =>
    costAnswer(calls, { api }, ({ exports }) =>
      exports.list(`subscriptions/${calls.access.credentials.subscriptionId}`),
    ),
  )
  if (answer && !answer.value) throw unavailable('Azure', `${api}: the answer has another form`)
  return answer?.value?.flatMap((one) => exportOf(calls.access, one))
}

function exportOf({ report }: AccessTo<'azure'>, { id = '', name = '', definition, deliveryInfo }: Listed): Export[] {
  const set = sets[definition?.type ?? '']
  if (!set || !name) return []
  const { resourceId, container = '', rootFolderPath } = deliveryInfo?.destination ?? {}
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
