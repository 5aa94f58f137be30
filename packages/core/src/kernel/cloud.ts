/** The short names of the clouds whose accounts can be connected. */
export const clouds = ['aws', 'azure', 'gcp'] as const
export type Cloud = (typeof clouds)[number]

/** A cloud account by its id in the cloud: AWS's twelve digits, Azure's subscription, Google's project. */
export interface AccountOfCloud {
  cloud: Cloud
  accountId: string
}

/** The provider names that bills of each cloud carry, in lower case. */
export const providerNames: Record<Cloud, readonly string[]> = {
  aws: ['aws', 'amazon web services'],
  azure: ['microsoft', 'azure', 'microsoft azure'],
  gcp: ['google cloud', 'google', 'gcp', 'google cloud platform'],
}

/** Whether a provider's name in a bill means this cloud. */
export function isOfCloud(provider: string, cloud: string): boolean {
  const names: readonly string[] = Object.hasOwn(providerNames, cloud) ? providerNames[cloud as Cloud] : [cloud]
  return names.includes(provider.toLowerCase())
}

/** Whether a provider's name means a cloud that we know. */
export function isKnownCloud(provider: string): boolean {
  return clouds.some((cloud) => isOfCloud(provider, cloud))
}

/** Whether a name on a bill means this account. Azure's bills name a subscription by its path, in upper or lower case. */
export function isSameAccount(named: string, accountId: string): boolean {
  const [name, id] = [named.toLowerCase(), accountId.toLowerCase()]
  return name === id || name.endsWith(`/${id}`)
}
