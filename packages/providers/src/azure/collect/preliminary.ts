import type { PipelineResponse } from '@azure/core-rest-pipeline'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BillDelivery, Calendar } from '@cloudoptima/core'
import { unavailable } from '../../access/verdict.ts'
import { collectedMonths } from '../../collect/months.ts'
import { costAnswer, exactJson, pages } from './answers.ts'
import type { Calls } from './calls.ts'
import { orReport } from './parts.ts'
import { hashOf } from './runs.ts'

interface Page {
  properties?: { columns?: { name: string }[]; rows?: (string | null)[][]; nextLink?: string | null }
}

/** A cost of a day, a service, a region and a currency; amounts as Azure writes them. */
interface Cost {
  day: string
  service: string
  region: string
  currency: string
  billed: string
  effective: string
}

/** https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation#query-processing-units */
const quota = [
  { most: 12, windowSeconds: 10 },
  { most: 60, windowSeconds: 60 },
  { most: 600, windowSeconds: 3600 },
]

/** The costs of this month and the one before by day, service and region, as a FOCUS file. */
export async function* preliminary(calls: Calls): AsyncGenerator<BillDelivery> {
  const { credentials, now } = calls.access
  for (const period of collectedMonths(now()).slice(0, 2)) {
    const remedy =
      'Assign the application the role Cost Management Reader on the subscription. Under an Enterprise Agreement, an ' +
      'administrator must allow subscriptions to view charges.'
    const costs = await orReport(calls, { part: `costs/${period}`, remedy }, () => costsOf(calls, period))
    if (!costs || costs.length === 0) continue
    const text = csv(costs.map((cost) => rowOf(cost, period, credentials.subscriptionId.toLowerCase())))
    yield {
      id: `query/${period}`,
      period,
      version: hashOf(text),
      preliminary: { accountId: credentials.subscriptionId },
      async fetch(folder) {
        const name = `costs-${period}.csv`
        const path = join(folder, name)
        await writeFile(path, text)
        return [{ name, path }]
      },
    }
  }
}

/** Each set has rows of its own, so that no amounts are added here: the other cost of a row is 0. */
async function costsOf(calls: Calls, period: string): Promise<Cost[]> {
  const actual = await query(calls, 'ActualCost', period)
  const amortized = await query(calls, 'AmortizedCost', period)
  return [
    ...actual.map(({ amount, ...cost }) => ({ ...cost, billed: amount, effective: '0' })),
    ...amortized.map(({ amount, ...cost }) => ({ ...cost, billed: '0', effective: amount })),
  ]
}

async function query(calls: Calls, type: string, period: string) {
  const { subscriptionId, tenantId } = calls.access.credentials
  const { start, end } = Calendar.monthSpan(period)
  const api = 'Microsoft.CostManagement/query/action'
  const limits = quota.map((limit) => ({ name: `azure-qpu/${tenantId}`, ...limit }))
  const definition = {
    type,
    timeframe: 'Custom',
    timePeriod: { from: new Date(`${start}T00:00:00Z`), to: new Date(`${end}T23:59:59Z`) },
    dataset: {
      granularity: 'Daily',
      aggregation: { totalCost: { name: 'Cost', function: 'Sum' } },
      grouping: ['ServiceName', 'ResourceLocation'].map((name) => ({ type: 'Dimension', name })),
    },
  }
  const read = async (url?: string) => {
    let page: Page = {}
    const onResponse = ({ bodyAsText }: PipelineResponse) => {
      page = exactJson(api, bodyAsText)
    }
    await costAnswer(calls, { api, limits, url }, (client) =>
      client.query.usage(`subscriptions/${subscriptionId}`, definition, { onResponse }),
    )
    return page.properties ?? {}
  }
  const found = await Array.fromAsync(pages(api, read))
  return found.flatMap(({ columns = [], rows = [] }) => {
    const names = columns.map(({ name }) => name.toLowerCase())
    // Some agreements answer `PreTaxCost`.
    const cost = names.findIndex((name) => name === 'cost' || name === 'pretaxcost')
    const [day, service, region, currency] = ['usagedate', 'servicename', 'resourcelocation', 'currency'].map((name) =>
      names.indexOf(name),
    )
    return rows.map((row) => {
      const at = (index = -1) => row[index] ?? ''
      const [amount, date] = [at(cost), at(day)]
      if (!/^-?\d/.test(amount) || !/^\d{8}/.test(date)) throw unavailable('Azure', 'the costs have another form')
      const written = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6, 8)}`
      return { day: written, service: at(service), region: at(region), currency: at(currency), amount }
    })
  })
}

function rowOf({ day, service, region, currency, billed, effective }: Cost, period: string, subscriptionId: string) {
  const at = (date: string) => `${date}T00:00:00Z`
  const account = `/subscriptions/${subscriptionId}`
  return {
    BilledCost: billed,
    EffectiveCost: effective,
    BillingCurrency: currency,
    BillingAccountId: account,
    BillingAccountType: 'Subscription',
    SubAccountId: account,
    SubAccountType: 'Subscription',
    BillingPeriodStart: at(Calendar.monthSpan(period).start),
    BillingPeriodEnd: at(`${Calendar.addMonths(period, 1)}-01`),
    ChargePeriodStart: at(day),
    ChargePeriodEnd: at(Calendar.addDays(day, 1)),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    InvoiceIssuerName: 'Microsoft',
    ProviderName: 'Microsoft',
    PublisherName: 'Microsoft',
    ServiceName: service,
    RegionId: region.toLowerCase().replaceAll(' ', ''),
    RegionName: region,
  }
}

function csv(rows: Record<string, string>[]): string {
  const line = (values: string[]) => values.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')
  return [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]
    .map((each) => `${line(each)}\n`)
    .join('')
}
