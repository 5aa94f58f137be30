import type { Endpoints } from '@cloudoptima/providers/access'
import { openEstate } from '@cloudoptima/sample'
import { awsAnswers } from './aws/cloud.ts'
import type { AwsRole } from './aws/identity.ts'
import type { Faults } from './faults.ts'
import { gcpAnswers } from './gcp/cloud.ts'
import type { GcpProject } from './gcp/identity.ts'
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
  /** Of the account that pays, or the project of each billing account: its export has the costs of all accounts. */
  credentials: { aws: AwsRole; gcp: GcpProject[] }
  /** Those of each account or project, by its id. A changed external id of AWS is required from then on. */
  roles: { aws: Record<string, AwsRole>; gcp: Record<string, GcpProject> }
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
  const estates = [openEstate('gcpUsd', size), openEstate('gcpGbp', size)]
  const gcp = await gcpAnswers({ ...given, estates })
  const [awsServer, gcpServer] = await Promise.all([serve(aws.answer), serve(gcp.answer)])
  const { url: api } = gcpServer
  const projects = gcp.projects(api)
  return {
    endpoints: { aws: awsServer.url, gcp: { token: `${api}/token`, api } },
    credentials: { aws: aws.payer, gcp: projects.flatMap((own) => own.slice(0, 1)) },
    roles: {
      aws: aws.roles,
      gcp: Object.fromEntries(projects.flat().map((project) => [project.projectId, project])),
    },
    faults,
    close: async () => void (await Promise.all([awsServer.close(), gcpServer.close()])),
  }
}
