import type { Endpoints } from '@cloudoptima/providers/access'
import { openEstate } from '@cloudoptima/sample'
import { awsAnswers } from './aws/cloud.ts'
import type { AwsRole } from './aws/identity.ts'
import type { Faults } from './faults.ts'
import { serve } from './server.ts'

export interface CloudsOptions {
  /** The folder of the generated bills. */
  dir: string
  /** The simulated clock: bills end yesterday, and grow as it goes on. */
  now?: () => Date
  /** The day after the last day of the first bills, `YYYY-MM-DD`; default today. The same day gives the same company. */
  today?: string
  /** As for `generateSample`. */
  seed?: number
  rows?: number
  months?: number
}

export interface SimulatedClouds {
  /** For CLOUD_ENDPOINTS. */
  endpoints: Endpoints
  /** Of the account that pays; its export has the costs of all accounts. */
  credentials: { aws: AwsRole }
  /** The role of each account, by account id. A changed external id is required from then on. */
  roles: { aws: Record<string, AwsRole> }
  faults: Faults
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
  const estate = openEstate('aws', { today, seed, months, rows })
  const { answer, roles, payer } = awsAnswers({ estate, now, faults, dir })
  const { url, close } = await serve(answer)
  return { endpoints: { aws: url }, credentials: { aws: payer }, roles: { aws: roles }, faults, bills: months, close }
}
