import type { Endpoints } from '@cloudoptima/providers/access'
import { openEstate } from '@cloudoptima/sample'
import { awsAnswers } from './aws/cloud.ts'
import { type AwsRole, actRoleOf } from './aws/identity.ts'
import { azureAnswers } from './azure/cloud.ts'
import type { AzureSubscription } from './azure/operation.ts'
import type { Faults } from './faults.ts'
import { gcpAnswers } from './gcp/cloud.ts'
import type { GcpProject } from './gcp/identity.ts'
import { serve } from './server.ts'

export interface CloudsOptions {
  /** The folder of the generated bills. */
  dir: string
  /** The simulated clock: bills end yesterday, and grow as it goes on. */
  now?: () => Date
  /** The day after the last day of the first bills; default today. The same day gives the same company. */
  today?: string
  /** As for `generateSample`. */
  seed?: number
  rows?: number
  months?: number
}

export interface SimulatedClouds {
  /** For CLOUD_ENDPOINTS. */
  endpoints: Endpoints
  /**
   * Those whose exports have all costs: the account that pays, each subscription, and a project of each billing
   * account.
   */
  credentials: { aws: AwsRole; azure: AzureSubscription[]; gcp: GcpProject[] }
  /**
   * Those of each account, subscription or project, by its id. A changed external id or client secret is required from
   * then on.
   */
  roles: {
    aws: Record<string, AwsRole>
    azure: Record<string, AzureSubscription>
    gcp: Record<string, GcpProject>
  }
  /** As `roles`, with the role, application or service account for actions. */
  actingRoles: SimulatedClouds['roles']
  faults: Faults
  billingAccounts: string[]
  /** Months of all exports together. */
  bills: number
  close(): Promise<void>
}

/** Starts the clouds of the invented company on loopback. */
export async function startClouds(options: CloudsOptions): Promise<SimulatedClouds> {
  const {
    dir,
    now = () => new Date(),
    today = now().toISOString().slice(0, 10),
    seed = 1,
    rows = 200_000,
    months = 13,
  } = options
  const faults: Faults = { calls: [], bills: {} }
  const size = { today, seed, months, rows }
  const given = { now, faults, dir }
  const [ofAws, ofAzure] = [openEstate('aws', size), openEstate('azure', size)]
  const estates = [openEstate('gcpUsd', size), openEstate('gcpGbp', size)]
  const aws = awsAnswers({ ...given, estate: ofAws })
  const { answer, subscriptions, acting } = azureAnswers({ ...given, estate: ofAzure })
  const gcp = await gcpAnswers({ ...given, estates })
  const [awsServer, azureServer, gcpServer] = await Promise.all([serve(aws.answer), serve(answer), serve(gcp.answer)])
  const { url } = azureServer
  const { url: api } = gcpServer
  const projects = gcp.projects(api)
  return {
    endpoints: {
      aws: awsServer.url,
      azure: { authority: url, resourceManager: url, blob: `${url}/blob`, metrics: `${url}/metrics` },
      gcp: { token: `${api}/token`, api },
    },
    credentials: { aws: aws.payer, azure: subscriptions, gcp: projects.flatMap((own) => own.slice(0, 1)) },
    roles: {
      aws: aws.roles,
      azure: bySubscription(subscriptions),
      gcp: byProject(projects),
    },
    actingRoles: {
      aws: Object.fromEntries(
        Object.entries(aws.roles).map(([account, role]) => [account, { ...role, roleArn: actRoleOf(role) }]),
      ),
      azure: bySubscription(acting),
      gcp: byProject(gcp.actingProjects(api)),
    },
    faults,
    billingAccounts: [ofAws, ofAzure, ...estates].map(({ account }) => account),
    bills: (1 + subscriptions.length + estates.length) * months,
    close: async () =>
      void (await Promise.all([awsServer, azureServer, gcpServer].map(async (server) => await server.close()))),
  }
}

const bySubscription = (all: readonly AzureSubscription[]) =>
  Object.fromEntries(all.map((each) => [each.subscriptionId, each]))

const byProject = (all: readonly (readonly GcpProject[])[]) =>
  Object.fromEntries(all.flat().map((each) => [each.projectId, each]))
