import type * as Ec2Sdk from '@aws-sdk/client-ec2'
import type { ActionMemory, ActionStep } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { refused } from '../../access/steps.ts'
import type { AccessTo } from '../../access/verdict.ts'
import { Failure, Refusal } from '../collect/failure.ts'
import { openReader, type Reader } from '../collect/reader.ts'
import { createSessions } from '../collect/sessions.ts'

/** Opens accounts with the role for actions. */
export function actingIn(options: AccessOptions): (access: AccessTo<'aws'>) => Promise<Reader> {
  const sessions = createSessions(options, 'action')
  return async (access) => await openReader(options, sessions, access, 'action')
}

/** EC2 in one region of an account. */
export interface Ec2 {
  sdk: typeof Ec2Sdk
  client: Ec2Sdk.EC2Client
  region: string
}

export async function ec2In(account: Reader, region: string): Promise<Ec2> {
  const sdk = await import('@aws-sdk/client-ec2')
  return { sdk, client: account.client('ec2', sdk.EC2Client, region), region }
}

/** The answer to a question about one resource; undefined if AWS says that there is none. */
export async function found<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Refusal && /NotFound|DoesNotExist/.test(error.awsCode)) return undefined
    throw error
  }
}

/** The step after a change. A change that AWS refuses is the end, unless `unless` knows the code of the refusal. */
export async function changing(
  memory: ActionMemory,
  change: () => Promise<ActionStep>,
  unless: (failure: Failure) => ActionStep | undefined = () => undefined,
): Promise<ActionStep> {
  try {
    return await change()
  } catch (error) {
    const step = error instanceof Failure ? unless(error) : undefined
    if (step) return step
    if (error instanceof Refusal) return refused(memory, error.message)
    throw error
  }
}

/**
 * What a dry run shows: why AWS would refuse the change, or a note that these credentials may not make it (the role that
 * reads makes plans too). https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
 */
export async function rehearsal(change: () => Promise<unknown>): Promise<{ refusal?: string; notes: string[] }> {
  try {
    await change()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.code === 'forbidden') return { notes: [`The credentials of this plan cannot do it. ${error.message}`] }
    if (!(error instanceof Refusal)) throw error
    if (error.awsCode !== 'DryRunOperation') return { refusal: error.message, notes: [] }
  }
  return { notes: [] }
}
