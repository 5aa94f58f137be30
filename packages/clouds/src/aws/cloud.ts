import { type AwsRequest, encoded, recognized, refusal, type ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import { type Estate, Random } from '@cloudoptima/sample'
import { answered, type Refusals } from '../answers.ts'
import type { Faults } from '../faults.ts'
import { exists, hourly } from '../load.ts'
import type { Answer } from '../server.ts'
import { sumsBy } from '../sums.ts'
import { newest } from '../versions.ts'
import { billing } from './billing.ts'
import { costKeys } from './costs.ts'
import { openExport } from './export.ts'
import { type AwsRole, identity, sessionsOf } from './identity.ts'
import { inventory } from './inventory.ts'
import { metrics } from './metrics.ts'
import { networks } from './networks.ts'
import { type Aws, type Operation, Whole } from './operation.ts'
import { power } from './power.ts'
import { isPriceList, priceList } from './prices.ts'
import { awsResource } from './resource.ts'
import { isPlanIndex, isPlanList, planIndex, planList } from './savings-plans.ts'
import { services } from './services.ts'
import { storage } from './storage.ts'
import { tagging } from './tagging.ts'

const operations: Record<string, Operation> = {
  ...identity,
  ...billing,
  ...inventory,
  ...metrics,
  ...networks,
  ...power,
  ...services,
  ...storage,
  ...tagging,
}

/** What AWS answers to the calls of the product, for all accounts of an organization. */
export function awsAnswers(given: { estate: Estate; now(): Date; faults: Faults; dir: string }) {
  const { estate, now, faults } = given
  const payer = roleOf(estate.account)
  const members = estate.subAccounts.map(({ id }) => [id, roleOf(id)] as const)
  const roles = { [estate.account]: payer, ...Object.fromEntries(members) }
  const changes: Aws['changes'] = new Map()
  const created: Aws['created'] = []
  const resources = hourly(estate, now, (one) => {
    const resource = awsResource(one)
    return { ...resource, ...changes.get(resource.arn) }
  })
  const aws: Aws = {
    estate,
    now,
    get resources() {
      return created.length === 0 ? resources() : [...resources(), ...created]
    },
    changes,
    created,
    export: openExport(given),
    sums: newest(sumsBy(costKeys)),
  }
  const sessions = sessionsOf(roles)
  const answerOf = async (request: AwsRequest): Promise<Answer> => {
    if (request.call === 'sts:AssumeRole') return await encoded(request, sessions.open(request))
    const { account, canAct } = sessions.holderOf(request)
    const operation = operations[request.call]
    if (!operation) throw new Error(`${request.call} is not simulated`)
    const exist = aws.resources.filter(
      (each) => each.account === account && exists(each, now()) && (each.endedAt ?? Infinity) > now().getTime(),
    )
    const all = (type: string, region = request.region) =>
      exist.filter((each) => each.type === type && (region === 'any' || each.region === region))
    const output = await operation({ ...request, aws, account, isPayer: account === estate.account, canAct, all })
    return output instanceof Whole ? output.answer : await encoded(request, output)
  }
  const publicAnswerTo = (path: string) => {
    if (isPriceList(path)) return { call: 'pricing:index.csv', answer: () => priceList(estate, path, now()) }
    if (isPlanList(path)) return { call: 'pricing:index.csv', answer: () => planList(estate, path, now()) }
    if (isPlanIndex(path)) return { call: 'pricing:region_index.json', answer: () => planIndex(estate, now()) }
    return undefined
  }
  const answer = async (received: ReceivedRequest): Promise<Answer> => {
    const published = publicAnswerTo(received.path)
    if (published) return await answered({ codes, write: writePublic, call: published.call, faults }, published.answer)
    const request = await recognized(received)
    return await answered({ ...refusalsOf(request), call: request.call, faults }, async () => await answerOf(request))
  }
  return { answer, roles, payer }
}

function roleOf(account: string): AwsRole {
  return {
    roleArn: `arn:aws:iam::${account}:role/CloudOptimaRead`,
    externalId: `co-${Random.hex(Random.hash(account), 32)}`,
  }
}

const codes: Refusals['codes'] = {
  throttled: {
    s3: ['SlowDown', 503],
    ec2: ['RequestLimitExceeded', 503],
    pricing: ['TooManyRequests', 429],
    other: ['ThrottlingException', 400],
  },
  failed: { other: ['InternalFailure', 500] },
  disabled: { other: ['OptInRequired', 403] },
  expired: {
    s3: ['ExpiredToken', 400],
    ec2: ['RequestExpired', 400],
    sts: ['ExpiredToken', 403],
    other: ['ExpiredTokenException', 400],
  },
}

/** Of files that need no sign-in. */
const writePublic: Refusals['write'] = (_, { status }, seconds) => ({
  status,
  headers: seconds === undefined ? {} : { 'retry-after': String(seconds) },
})

function refusalsOf(request: AwsRequest): Refusals {
  return {
    codes,
    write: (_, { message, status }, seconds) => {
      const reply = refusal(request, message, status)
      const wait = seconds === undefined ? {} : { 'retry-after': String(seconds) }
      return { ...reply, headers: { ...reply.headers, ...wait } }
    },
  }
}
