import * as Money from '../../kernel/money.ts'
import { rule } from '../rule.ts'
import { ours } from '../sources.ts'

/** Gateway endpoints exist for these two, and cost nothing. */
const services = ['s3', 'dynamodb']

interface RouteTable {
  RouteTableId: string
  GatewayEndpoints: string[]
}

/** A NAT gateway costs by the GB; a gateway endpoint carries the traffic to S3 and DynamoDB for nothing. */
export const gatewayEndpoint = rule({
  id: 'aws-nat-gateway-without-endpoint',
  analyzer: 'network_optimization',
  finds: 'NAT gateway with traffic, whose networks have no gateway endpoint for S3 or DynamoDB',
  clouds: ['aws'],
  kinds: ['nat_gateway'],
  windowDays: 14,
  risk: 'low',
  effort: 'low',
  restartNeeded: false,
  rollbackPossible: true,
  undo: 'Delete the endpoint; its traffic takes the NAT gateway again.',
  thresholds: { cost: ours(10, 'units of the currency a month for processed data', 'gatewayEndpoints') },
  find: ({ status, cost, configuration }, { limit }) => {
    const processed = (cost?.parts ?? [])
      .filter(({ part }) => part === 'processed')
      .map((part) => Money.parse(part.cost))
    const processedCost = Money.sum(processed)
    if (status !== 'available' || processedCost.lt(limit.cost)) return undefined
    const tables = configuration['RouteTables'] as RouteTable[] | undefined
    if (tables === undefined) return { missing: ['route tables and endpoints of the VPC'] }
    const lacking = services.filter((service) => tables.some((table) => !table.GatewayEndpoints.includes(service)))
    if (lacking.length === 0) return undefined
    const names = lacking.join(' and ')
    return {
      evidence: { processedCost: Money.plain(processedCost.round(2)), routeTables: tables.length, without: names },
      change: { action: 'create a gateway endpoint', from: 'through the NAT gateway', to: `${names} by an endpoint` },
      saving: { kind: 'unknown', why: 'flow logs, which are not read, would tell the share of S3 and DynamoDB' },
      confidence: { level: 'low', reason: 'the endpoint is free, but the networks may not use the service at all' },
    }
  },
})
