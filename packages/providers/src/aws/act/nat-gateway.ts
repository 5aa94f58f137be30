import type { NatGateway, RouteTable } from '@aws-sdk/client-ec2'
import type { ActionState } from '@cloudoptima/core'
import { type Ec2, found } from './account.ts'
import { ownTags } from './hindrance.ts'

/** Undefined: there is no such NAT gateway; AWS shows a deleted one for about an hour. */
export async function gatewayOf({ sdk, client }: Ec2, id: string): Promise<NatGateway | undefined> {
  const asked = { NatGatewayIds: [id] }
  const answer = await found(async () => await client.send(new sdk.DescribeNatGatewaysCommand(asked)))
  const [gateway] = answer?.NatGateways ?? []
  return gateway?.State === 'deleted' ? undefined : gateway
}

/** A route to the gateway. Routes of a deleted gateway stay, and lead nowhere. */
export interface GatewayRoute {
  RouteTableId: string
  DestinationCidrBlock?: string
  DestinationIpv6CidrBlock?: string
  DestinationPrefixListId?: string
}

export async function tablesOf(
  { sdk, client }: Ec2,
  by: { VpcId: string } | { RouteTableIds: string[] },
): Promise<RouteTable[]> {
  const asked = 'VpcId' in by ? { Filters: [{ Name: 'vpc-id', Values: [by.VpcId] }] } : by
  const pages = await Array.fromAsync(sdk.paginateDescribeRouteTables({ client }, asked))
  return pages.flatMap(({ RouteTables = [] }) => RouteTables)
}

/** All routes with their targets. */
export function routesIn(tables: readonly RouteTable[]): (GatewayRoute & { NatGatewayId: string | undefined })[] {
  return tables.flatMap(({ RouteTableId = '', Routes = [] }) =>
    Routes.map(({ DestinationCidrBlock, DestinationIpv6CidrBlock, DestinationPrefixListId, NatGatewayId }) => ({
      RouteTableId,
      ...(DestinationCidrBlock !== undefined && { DestinationCidrBlock }),
      ...(DestinationIpv6CidrBlock !== undefined && { DestinationIpv6CidrBlock }),
      ...(DestinationPrefixListId !== undefined && { DestinationPrefixListId }),
      NatGatewayId,
    })),
  )
}

export const destinationOf = (route: GatewayRoute): string =>
  [route.DestinationCidrBlock, route.DestinationIpv6CidrBlock, route.DestinationPrefixListId].join()

export const nameOfRoute = (route: GatewayRoute): string => `${route.RouteTableId} ${destinationOf(route)}`

export async function stateOf(ec2: Ec2, gateway: NatGateway): Promise<ActionState> {
  const { NatGatewayId, SubnetId = '', VpcId = '', ConnectivityType = 'public', NatGatewayAddresses = [] } = gateway
  const isFirst = ({ IsPrimary }: { IsPrimary?: boolean | undefined }) => IsPrimary !== false
  const routes = routesIn(await tablesOf(ec2, { VpcId })).filter((route) => route.NatGatewayId === NatGatewayId)
  const allocations = (isPrimary: boolean) =>
    NatGatewayAddresses.filter((address) => isFirst(address) === isPrimary).flatMap(
      ({ AllocationId }) => AllocationId ?? [],
    )
  return {
    SubnetId,
    ConnectivityType,
    AllocationIds: allocations(true),
    SecondaryAllocationIds: allocations(false).toSorted(),
    Tags: ownTags(gateway),
    Routes: routes
      .map(({ NatGatewayId: _id, ...route }) => route)
      .toSorted((a, b) => nameOfRoute(a).localeCompare(nameOfRoute(b))),
  }
}
