import type { Endpoints } from '@cloudoptima/providers/access'
import { openEstate } from '@cloudoptima/sample'
import { awsAnswers } from './aws/cloud.ts'
import type { AwsRole } from './aws/identity.ts'
import { azureAnswers } from './azure/cloud.ts'
import type { AzureSubscription } from './azure/identity.ts'
import type { Faults } from './faults.ts'
import { dayOf, timeOf } from './load.ts'
import { serve } from './server.ts'

export interface CloudsOptions {
  /** The folder of the generated bills. */
  dir: string
  /** The simulated clock: bills end yesterday, and grow as it goes on. */
  now?: () => Date
  /** As for `generateSample`. */
  seed?: number
  rows?: number
  months?: number
}

export interface SimulatedClouds {
  /** For CLOUD_ENDPOINTS. */
  endpoints: Endpoints
  /** Of the account that pays, whose export has the costs of all accounts; of all subscriptions, for their own costs. */
  credentials: { aws: AwsRole; azure: AzureSubscription[] }
  /** Those of each account or subscription, by its id. A changed external id or secret is required from then on. */
  roles: { aws: Record<string, AwsRole>; azure: Record<string, AzureSubscription> }
  faults: Faults
  close(): Promise<void>
}

/** Starts the clouds of the invented company on loopback. */
export async function startClouds(options: CloudsOptions): Promise<SimulatedClouds> {
  const { dir, now = () => new Date(), seed = 1, rows = 200_000, months = 13 } = options
  const today = timeOf(dayOf(now())).toISOString().slice(0, 10)
  const faults: Faults = { calls: [], bills: {} }
  const size = { today, seed, months, rows }
  const given = { now, faults, dir }
  const aws = awsAnswers({ ...given, estate: openEstate('aws', size) })
  const azure = azureAnswers({ ...given, estate: openEstate('azure', size) })
  const servers = await Promise.all([serve(aws.answer), serve(azure.answer)])
  const [awsUrl, url] = servers.map((server) => server.url)
  return {
    endpoints: {
      aws: awsUrl,
      azure: { authority: url, resourceManager: url, blob: `${url}/blob`, metrics: `${url}/metrics` },
    },
    credentials: { aws: aws.payer, azure: azure.subscriptions },
    roles: {
      aws: aws.roles,
      azure: Object.fromEntries(azure.subscriptions.map((each) => [each.subscriptionId, each])),
    },
    faults,
    close: async () => void (await Promise.all(servers.map(async ({ close }) => await close()))),
  }
}
