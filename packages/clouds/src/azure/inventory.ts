import { Refusal } from '../answers.ts'
import { dayOf, timeOf } from '../load.ts'
import { diskOf } from './arm/disks.ts'
import { powerOf } from './arm/machines.ts'
import { descriptions } from './descriptions.ts'
import { type Document, type Operation, type Operations, nextLink, page, type Question } from './operation.ts'
import { disks, guidOf, machines } from './resource.ts'

const graphPage = 10

interface GraphQuestion {
  subscriptions: string[]
  query: string
  options: { $top: number; $skipToken?: string }
}

/** The type that a question to Resource Graph is about. */
export function askedType(body: string): string {
  const { query } = JSON.parse(body) as GraphQuestion
  const type = /^resources \| where type =~ '([\w./]+)'/.exec(query)?.[1]
  if (type === undefined) throw new Error(`The query is not simulated: ${query}`)
  return type
}

/** As the resource manager describes it, except for the power of machines. */
function rowOf(question: Question, document: Document): object {
  const { type: typed, etag: _, zones = null, ...row } = document
  switch (typed.toLowerCase()) {
    case disks:
      return { ...row, zones, properties: diskOf(question, document).properties }
    case machines: {
      const { instanceView: _, ...properties } = row.properties
      const extended = { instanceView: { powerState: { code: powerOf(document) } } }
      return { ...row, zones, properties: { ...properties, extended } }
    }
    default:
      return { ...row, zones }
  }
}

const graph: Operation = (question) => {
  const { azure, subscription, request } = question
  const { subscriptions, options } = JSON.parse(request.body) as GraphQuestion
  if (subscriptions.some((id) => id !== subscription.subscriptionId)) throw new Refusal('AccessDenied', 403)
  const type = askedType(request.body).toLowerCase()
  const found = type in descriptions ? azure.documents.all(question, type) : []
  const sorted = found.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const { items, next } = page(sorted, options.$skipToken, Math.min(options.$top, graphPage))
  const data = items.map((document) => rowOf(question, document))
  const more = next === undefined ? {} : { $skipToken: next }
  const resultTruncated = String(next !== undefined)
  return { body: { totalRecords: found.length, count: data.length, data, resultTruncated, ...more } }
}

const yearDays = 365

/** Those of the subscription that pays for them; they apply to all. */
const reservations: Operation = ({ azure: { estate, now }, subscription: { subscriptionId }, request }) => {
  const payer = estate.subAccounts[0]?.id
  const bought = estate.commitments.filter(
    ({ id, from }) => guidOf(payer) === subscriptionId && id.includes('/Microsoft.Capacity/') && from <= dayOf(now()),
  )
  const { items, next } = page(bought, request.query.get('$skiptoken'), graphPage)
  const value = items.map(({ id, name, count, from }) => ({
    id,
    sku: { name: `Standard_${name.slice('VM_'.length, -'_1Y'.length)}` },
    location: estate.regions[0],
    properties: {
      displayName: name,
      displayProvisioningState: 'Succeeded',
      reservedResourceType: 'VirtualMachines',
      quantity: count,
      term: 'P1Y',
      billingPlan: 'Monthly',
      purchaseDateTime: timeOf(from),
      expiryDateTime: timeOf(from + yearDays * (1 + Math.floor((dayOf(now()) - from) / yearDays))),
      renew: true,
      appliedScopeType: 'Shared',
      billingScopeId: payer,
    },
  }))
  return { body: { value, nextLink: nextLink(request, next) } }
}

export const graphCall = 'Microsoft.ResourceGraph/resources/read'

/** Of Resource Graph, and the lists of a tenant. */
export const inventory: Operations = {
  [graphCall]: ['/providers/Microsoft.ResourceGraph/resources', graph],
  'Microsoft.Capacity/reservations/read': ['/providers/Microsoft.Capacity/reservations', reservations],
  'Microsoft.BillingBenefits/savingsPlans/read': [
    '/providers/Microsoft.BillingBenefits/savingsPlans',
    () => ({ body: { value: [] } }),
  ],
}
