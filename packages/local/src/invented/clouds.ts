import { type CloudCredentials, type Clouds, Fault, type Provider } from '@cloudoptima/core'
import type { Invented } from './process.ts'

/** The clouds as they are, but for the accounts of the invented company. */
export async function withInvented(invented: Invented): Promise<Clouds> {
  const { createClouds, cloudsOf } = await import('@cloudoptima/providers/access')
  const { inventedAccounts } = await import('@cloudoptima/sample')
  const real = cloudsOf(process.env)
  const ids = inventedAccounts()
  let simulated: { url: string; clouds: Clouds } | undefined
  const of = async (cloud: keyof Clouds, credentials: CloudCredentials): Promise<Provider> => {
    if (!ids.has(accountOf(credentials))) return real[cloud]
    if (!(await invented.company()))
      throw new Fault('unavailable', 'The accounts of the invented company exist in the sample only.')
    const { endpoints } = await invented.clouds()
    // As a customer who sets up the role again. Only external ids that the product issued come here.
    if (credentials.cloud === 'aws') await invented.trust(credentials.roleArn, credentials.externalId)
    const url = JSON.stringify(endpoints)
    if (simulated?.url !== url) {
      const awsCredentials = { accessKeyId: 'invented', secretAccessKey: 'invented' }
      simulated = { url, clouds: createClouds({ endpoints, awsCredentials }) }
    }
    return simulated.clouds[cloud]
  }
  const chosen = (cloud: keyof Clouds): Provider => ({
    verify: async (credentials) => await (await of(cloud, credentials)).verify(credentials),
    async *bills(access) {
      yield* (await of(cloud, access.credentials)).bills(access)
    },
    async *preliminary(access) {
      yield* (await of(cloud, access.credentials)).preliminary(access)
    },
    async *inventory(access) {
      yield* (await of(cloud, access.credentials)).inventory(access)
    },
    async *utilization(access, asked) {
      yield* (await of(cloud, access.credentials)).utilization(access, asked)
    },
    async *prices(access, asked) {
      yield* (await of(cloud, access.credentials)).prices(access, asked)
    },
    tags: async (access, resources) => await (await of(cloud, access.credentials)).tags(access, resources),
    retag: async (access, changes) => await (await of(cloud, access.credentials)).retag(access, changes),
    action: async (access, name) => await (await of(cloud, access.credentials)).action(access, name),
  })
  return { aws: { ...real.aws, ...chosen('aws') }, azure: chosen('azure'), gcp: chosen('gcp') }
}

function accountOf(credentials: CloudCredentials): string {
  switch (credentials.cloud) {
    case 'aws':
      return credentials.roleArn.split(':')[4] ?? ''
    case 'azure':
      return credentials.subscriptionId
    case 'gcp':
      return credentials.projectId
  }
}
