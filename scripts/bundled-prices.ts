// Writes the bundled price lists from those that AWS and Azure publish, and keeps those of other clouds. Needs the
// network: node scripts/bundled-prices.ts
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Access, type Cloud, type CloudCredentials, type ListPrice, Rules } from '@cloudoptima/core'
import { cloudsOf } from '@cloudoptima/providers/access'

const regions: Partial<Record<Cloud, readonly string[]>> = {
  aws: ['us-east-1', 'us-west-2', 'eu-central-1', 'eu-west-1'],
  azure: ['eastus', 'westeurope', 'northeurope', 'germanywestcentral'],
}
/** The lists are public: nobody signs in. */
const nobody: Record<'aws' | 'azure', CloudCredentials> = {
  aws: { cloud: 'aws', roleArn: 'arn:aws:iam::000000000000:role/nobody', externalId: 'nobody' },
  azure: { cloud: 'azure', subscriptionId: '', tenantId: '', clientId: '', clientSecret: '' },
}
const variants = new Set([
  'Linux/UNIX',
  'Linux',
  'Windows',
  ...['mysql', 'postgres'].flatMap((engine) => [`${engine} Single-AZ`, `${engine} Multi-AZ`]),
])
const common = /^(?:db\.)?(?:[cmr][4-8]|t[2-4]|i[34])\w*\.|^Standard_/
const output = process.argv[2] ?? join(import.meta.dirname, '../packages/core/src/rules/pricing/bundled-prices.json')

const serviceOf = (sku: string): string => {
  if (/^(?:db\.|RDS:)/.test(sku)) return 'AmazonRDS'
  if (sku.startsWith('Lambda-')) return 'AWSLambda'
  return sku.startsWith('Fargate-') ? 'AmazonECS' : 'AmazonEC2'
}
const sourceOf = ({ cloud, region, sku, term }: ListPrice): string => {
  if (cloud !== 'aws') return 'https://prices.azure.com/api/retail/prices'
  const path = term?.plan
    ? 'savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json'
    : `offers/v1.0/aws/${serviceOf(sku)}/current/${region}/index.csv`
  return `https://pricing.us-east-1.amazonaws.com/${path}`
}

/** Machines that a rule may name, with the usual systems; Fargate and Lambda; and all storage. */
function isBundled({ cloud, part, sku, variant = '' }: ListPrice): boolean {
  const isServerless = /^(?:Fargate|Lambda)-/.test(sku)
  const isMachine = variants.has(variant) && common.test(sku) && Rules.typeOf(cloud, sku) !== undefined
  return part !== 'compute' || isServerless || isMachine
}

async function fetched(cloud: 'aws' | 'azure'): Promise<ListPrice[]> {
  const access: Access = {
    credentials: nobody[cloud],
    meter: { take: async () => {} },
    report: () => undefined,
    signal: AbortSignal.timeout(3_600_000),
    now: () => new Date(),
  }
  const lists = cloudsOf(process.env)[cloud].prices(access, { regions: regions[cloud] ?? [] })
  return (await Array.fromAsync(lists)).flatMap(({ prices }) => prices.filter(isBundled))
}

const all = [...(await fetched('aws')), ...(await fetched('azure'))]
const listOf = (price: ListPrice) => {
  const { cloud, region, currency, asOf, part, variant, term } = price
  return JSON.stringify({ cloud, region, currency, asOf, part, variant, term, source: sourceOf(price) })
}
const lists = [...Map.groupBy(all, listOf)].map(([key, prices]) => {
  const families = Map.groupBy(prices, ({ cloud, sku }) => Rules.familyOf(cloud, sku))
  const lines = [...families.values()].map((own) => own.map(({ sku, price }) => `${sku} ${price}`).join(', '))
  return { ...(JSON.parse(key) as object), prices: lines.toSorted() }
})
// The price lists of Google Cloud need an API key.
const before = existsSync(output)
  ? (JSON.parse(readFileSync(output, 'utf8')) as { lists: { cloud: Cloud }[] }).lists
  : []
const kept = before.filter(({ cloud }) => regions[cloud] === undefined)
writeFileSync(output, `${JSON.stringify({ lists: [...lists, ...kept] }, null, 2)}\n`)
process.stdout.write(`${all.length} prices in ${lists.length} lists\n`)
