import type { Fixture } from './fixture.ts'
import { scarce, some, steady, usd, weekly } from './subjects.ts'

const address = { cost: usd({ address: '3.65 x 730' }) }
const eip = some('aws', 'address', { ...address, configuration: { PublicIp: '192.0.2.10' } })
const ip = some('azure', 'address', { ...address, type: 'Standard', configuration: { ipAddress: '192.0.2.20' } })
const gcpIp = some('gcp', 'address', {
  ...address,
  status: 'reserved',
  type: 'EXTERNAL',
  configuration: { address: '192.0.2.30' },
})
const balancer = some('aws', 'load_balancer', {
  type: 'application',
  cost: usd({ gateway: '18.98 x 730' }),
  configuration: { TargetGroups: [{ Targets: [{ Id: 'i-1' }] }] },
})
const classic = { type: 'classic', configuration: { Instances: [{ InstanceId: 'i-1' }] } }
const withoutTargets = { TargetGroups: [{ Targets: [] }] }
const nat = some('aws', 'nat_gateway', { cost: usd({ gateway: '37.96 x 730', processed: '0' }) })
const traffic = usd({ gateway: '37.96 x 730', processed: '52 x 1000' })
const routes = (...tables: string[][]) => ({
  RouteTables: tables.map((GatewayEndpoints, index) => ({ RouteTableId: `rtb-${index}`, GatewayEndpoints })),
})
const silent = { connections: steady(0), network_out: steady(0) }
const network = '/subscriptions/s/resourcegroups/g/providers/microsoft.network'
const azureBalancer = some('azure', 'load_balancer', { type: 'Standard', cost: usd({ gateway: '18.25 x 730' }) })
const azureNat = some('azure', 'nat_gateway', { cost: usd({ gateway: '32.85 x 730' }) })
const talker = some('aws', 'instance', { type: 'm5.large', status: 'running' })

export const networkFixtures: readonly Fixture[] = [
  {
    rule: 'aws-address-unused',
    finds: [eip({ id: 'eip-free' })],
    leaves: [eip({ id: 'eip-used', status: 'in-use' })],
    lacks: [],
  },
  {
    rule: 'azure-address-unused',
    finds: [ip({ id: 'ip-free' })],
    leaves: [ip({ id: 'ip-used', status: 'in-use', attachedTo: 'nic-1' })],
    lacks: [],
  },
  {
    rule: 'gcp-address-unused',
    finds: [gcpIp({ id: 'gcp-ip-free' })],
    leaves: [gcpIp({ id: 'gcp-ip-used', status: 'in-use' }), gcpIp({ id: 'gcp-ip-internal', type: 'INTERNAL' })],
    lacks: [],
  },
  {
    rule: 'aws-load-balancer-idle',
    finds: [
      balancer({ id: 'alb-idle', utilization: { requests: steady(1) } }),
      balancer({ id: 'alb-empty', configuration: withoutTargets }),
      balancer({ id: 'nlb-empty', type: 'network', configuration: withoutTargets }),
      balancer({ id: 'clb-idle', ...classic, utilization: { requests: steady(1) } }),
      balancer({ id: 'clb-empty', type: 'classic', configuration: { Instances: [] } }),
    ],
    leaves: [
      balancer({ id: 'alb-busy', utilization: { requests: steady(9000) } }),
      balancer({ id: 'alb-weekly', utilization: { requests: weekly(1, 9000) } }),
      balancer({ id: 'nlb-weekly', type: 'network', utilization: { connections: weekly(0, 20) } }),
      balancer({ id: 'alb-redirect', utilization: { requests: steady(9000) }, configuration: withoutTargets }),
      balancer({ id: 'gateway', type: 'gateway' }),
      balancer({ id: 'clb-busy', ...classic, utilization: { requests: steady(9000) } }),
      // A group registers its instances at the hours of work only.
      balancer({
        id: 'clb-at-night',
        type: 'classic',
        configuration: { Instances: [] },
        utilization: { requests: steady(9000) },
      }),
    ],
    lacks: [
      balancer({ id: 'alb-scarce', utilization: { requests: scarce(1) } }),
      balancer({ id: 'clb-scarce', ...classic, utilization: { requests: scarce(1) } }),
    ],
  },
  {
    rule: 'aws-nat-gateway-idle',
    finds: [nat({ id: 'nat-idle', utilization: silent })],
    leaves: [
      nat({ id: 'nat-busy', utilization: { ...silent, connections: steady(0.2, 8) } }),
      nat({ id: 'nat-weekly', utilization: { connections: weekly(0, 8), network_out: weekly(0, 1e9) } }),
      nat({ id: 'nat-deleted', status: 'deleted', utilization: silent }),
    ],
    lacks: [nat({ id: 'nat-unmeasured' })],
  },
  {
    rule: 'aws-nat-gateway-without-endpoint',
    finds: [
      nat({ id: 'nat-without-endpoint', cost: traffic, configuration: routes([]) }),
      nat({ id: 'nat-half', cost: traffic, configuration: routes(['dynamodb', 's3'], ['dynamodb']) }),
    ],
    leaves: [
      nat({ id: 'nat-with-endpoints', cost: traffic, configuration: routes(['dynamodb', 's3']) }),
      nat({ id: 'nat-unrouted', cost: traffic, configuration: routes() }),
      nat({ id: 'nat-little', configuration: routes([]) }),
      nat({ id: 'nat-gone', status: 'deleted', cost: traffic, configuration: routes([]) }),
    ],
    lacks: [nat({ id: 'nat-unread', cost: traffic })],
  },
  {
    rule: 'azure-load-balancer-without-backend',
    finds: [
      azureBalancer({
        id: `${network}/loadbalancers/empty`,
        configuration: { backendIPConfigurations: 0, loadBalancerBackendAddresses: 0 },
      }),
      azureBalancer({
        id: `${network}/applicationgateways/empty`,
        type: 'WAF_v2',
        configuration: { backendIPConfigurations: 0, backendAddresses: 0 },
      }),
    ],
    leaves: [
      azureBalancer({
        id: `${network}/loadbalancers/used`,
        configuration: { backendIPConfigurations: 2, loadBalancerBackendAddresses: 0 },
      }),
      azureBalancer({
        id: `${network}/loadbalancers/basic`,
        type: 'Basic',
        configuration: { backendIPConfigurations: 0 },
      }),
      azureBalancer({
        id: `${network}/loadbalancers/inbound`,
        configuration: { backendIPConfigurations: 0, inboundNatRules: 3 },
      }),
    ],
    lacks: [azureBalancer({ id: `${network}/loadbalancers/untold` })],
  },
  {
    rule: 'azure-nat-gateway-idle',
    finds: [azureNat({ id: 'azure-nat-idle', utilization: { network_out: steady(0) } })],
    leaves: [
      azureNat({ id: 'azure-nat-busy', utilization: { network_out: steady(5000) } }),
      azureNat({ id: 'azure-nat-weekly', utilization: { network_out: weekly(0, 5000) } }),
    ],
    lacks: [azureNat({ id: 'azure-nat-unmeasured' })],
  },
  {
    rule: 'transfer-between-zones',
    finds: [talker({ id: 'i-zones', cost: usd({ compute: '70 x 730', transfer_zone: '90 x 9000' }) })],
    leaves: [
      talker({ id: 'i-zones-little', cost: usd({ compute: '70 x 730', transfer_zone: '9 x 900' }) }),
      talker({ id: 'i-zones-relative', cost: usd({ compute: '900 x 730', transfer_zone: '90 x 9000' }) }),
      talker({ id: 'i-unbilled' }),
    ],
    lacks: [],
  },
  {
    rule: 'transfer-between-regions',
    finds: [talker({ id: 'i-regions', cost: usd({ compute: '70 x 730', transfer_region: '90 x 4500' }) })],
    leaves: [talker({ id: 'i-regions-little', cost: usd({ compute: '70 x 730', transfer_region: '9 x 450' }) })],
    lacks: [],
  },
]
