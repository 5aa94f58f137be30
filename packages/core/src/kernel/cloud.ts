export const clouds = ['aws', 'azure', 'gcp'] as const
export type Cloud = (typeof clouds)[number]

/** AWS account, Azure subscription or Google Cloud project. */
export interface AccountOfCloud {
  cloud: Cloud
  accountId: string
}

/** As in bills, in lower case. */
export const providerNames: Record<Cloud, readonly string[]> = {
  aws: ['aws', 'amazon web services'],
  azure: ['microsoft', 'azure', 'microsoft azure'],
  gcp: ['google cloud', 'google', 'gcp', 'google cloud platform'],
}

export function isOfCloud(provider: string, cloud: string): boolean {
  const names: readonly string[] = Object.hasOwn(providerNames, cloud) ? providerNames[cloud as Cloud] : [cloud]
  return names.includes(provider.toLowerCase())
}

export function isKnownCloud(provider: string): boolean {
  return clouds.some((cloud) => isOfCloud(provider, cloud))
}

/** Azure names a subscription by its path; case does not matter. */
export function isSameAccount(named: string, accountId: string): boolean {
  const [name, id] = [named.toLowerCase(), accountId.toLowerCase()]
  return name === id || name.endsWith(`/${id}`)
}
