import type { Cloud } from '../kernel/runtime.ts'

/** A cloud account, as the cloud has it: AWS's twelve digits, Azure's subscription, Google's project. */
export interface AccountOfCloud {
  cloud: Cloud
  accountId: string
}

// Names under which the clouds' bills have been seen, for the three short names of the API.
const cloudNames = new Map<string, readonly string[]>([
  ['aws', ['aws', 'amazon web services']],
  ['azure', ['microsoft', 'azure', 'microsoft azure']],
  ['gcp', ['google cloud', 'google', 'gcp', 'google cloud platform']],
])

/** The short names of the clouds that we know. */
export const knownClouds: readonly string[] = [...cloudNames.keys()]

/** Whether a provider's name in a bill means this cloud. */
export function isOfCloud(provider: string, cloud: string): boolean {
  return (cloudNames.get(cloud) ?? [cloud]).includes(provider.toLowerCase())
}

/** Whether a provider's name means a cloud that we know. */
export function isKnownCloud(provider: string): boolean {
  return knownClouds.some((cloud) => isOfCloud(provider, cloud))
}

/** Whether a bill means this account: Azure's name a subscription by its path, and in either case. */
export function isSameAccount(named: string, accountId: string): boolean {
  const [name, id] = [named.toLowerCase(), accountId.toLowerCase()]
  return name === id || name.endsWith(`/${id}`)
}
