import type { Access, Call, Problem } from '@cloudoptima/core'
import { createClouds } from '../../access.ts'
import * as Wire from '../../testing/aws-wire.ts'
import { listen, type Loopback, type Reply } from '../../testing/loopback.ts'

export type Asked = Wire.AwsRequest

// A fake AWS account: answers are objects as the SDK returns them.

/** The output of an operation, or a whole reply (`wire`). Undefined: an output without fields. */
type Answer = (asked: Asked) => object | undefined

/** A reply that is sent as it is. */
export const wire = (reply: Reply): object => ({ wire: reply })

/** A refusal in the protocol of the call. */
export const refusal = (...given: Parameters<typeof Wire.refusal>): object => wire(Wire.refusal(...given))

export interface FakeAccount extends Loopback {
  /** Each request, in order. */
  asked: Asked[]
}

const keys = { accessKeyId: 'AKIAOURS', secretAccessKey: 'canary-own-secret' }
export const account = '222222222222'

/** The session of the role, whose keys must not appear in any message. */
const session = {
  Credentials: {
    AccessKeyId: 'ASIATHEIRS',
    SecretAccessKey: 'canary-their-secret',
    SessionToken: 'canary-token',
    Expiration: new Date('2099-01-01'),
  },
}

/** Starts an account with these answers; without an answer to AssumeRole, the role can be assumed. */
export async function fakeAccount(answer: Answer): Promise<FakeAccount> {
  const asked: Asked[] = []
  const server = await listen(async (request) => {
    const question = await Wire.recognized(request)
    asked.push(question)
    const given = answer(question) ?? (question.call === 'sts:AssumeRole' ? session : {})
    return 'wire' in given ? (given.wire as Reply) : await Wire.encoded(question, given)
  })
  return { ...server, asked }
}

/** Access to the account, with all that the collector tells. */
export function accessTo(server: Loopback, given: Partial<Access> = {}) {
  const calls: Call[] = []
  const problems: Problem[] = []
  const access: Access = {
    credentials: {
      cloud: 'aws',
      roleArn: `arn:aws:iam::${account}:role/CloudOptimaRead`,
      externalId: 'co-3f6d1b0c9a5e4c27',
    },
    meter: { take: async (call) => void calls.push(call) },
    report: (problem) => void problems.push(problem),
    signal: new AbortController().signal,
    now: () => new Date('2026-11-28T12:00:00Z'),
    ...given,
  }
  const { aws } = createClouds({ endpoints: { aws: server.url }, awsCredentials: keys })
  return { aws, access, calls, problems }
}
