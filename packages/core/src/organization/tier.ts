import * as z from 'zod'
import * as Limits from '../bills/limits.ts'
import type { Context } from '../effects/context.ts'

export const Tier = z.enum(['free', 'pro', 'enterprise'])
export type Tier = z.infer<typeof Tier>

/** Requests per hour (specification 3.1). */
export const requestsPerHour: Record<Tier, number> = { free: 1_000, pro: 10_000, enterprise: 100_000 }

const gibibyte = 1024 ** 3

/** Deliveries at once, and bytes on a UTC day and in all. */
export const quotas = {
  free: {
    openDeliveries: 10,
    runningDeliveries: 2,
    bytesToday: 10 * gibibyte,
    storedBytes: 50 * gibibyte,
  },
  pro: {
    openDeliveries: 50,
    runningDeliveries: 5,
    bytesToday: 200 * gibibyte,
    storedBytes: 2_048 * gibibyte,
  },
  enterprise: {
    openDeliveries: 200,
    runningDeliveries: 20,
    bytesToday: 2_048 * gibibyte,
    storedBytes: 51_200 * gibibyte,
  },
} as const satisfies Record<Tier, Record<string, number>>

export const billLimits: Record<Tier, Limits.Limits> = {
  free: { ...Limits.standard, rows: 10_000_000, unpackedBytes: 20 * gibibyte },
  pro: { ...Limits.standard, rows: 50_000_000, unpackedBytes: 100 * gibibyte },
  enterprise: Limits.standard,
}

export async function tierOf({ orgId, tables }: Context): Promise<Tier> {
  return (await tables.organizations.get(orgId, orgId))?.tier ?? 'free'
}

export type Limit = keyof (typeof quotas)[Tier]
