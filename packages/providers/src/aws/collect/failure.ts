import { Fault, type Problem } from '@cloudoptima/core'
import { type SdkError, verdictOf } from '../access/refusal.ts'
import { readGrants } from '../access/read-grants.ts'
import { actGrants } from '../act-grants.ts'

/** A call that AWS did not answer: the end of a collection, or the problem of a part. */
export class Failure extends Fault {
  readonly state: Problem['state']
  /** AWS's name of the error: `NoSuchKey`. */
  readonly awsCode: string
  /** AWS did not answer, or not by itself: the call may have been carried out. */
  readonly isSilent: boolean

  constructor(fault: Fault, state: Problem['state'], awsCode: string, isSilent: boolean) {
    super(fault.code, fault.message, [], fault.retryAfterSeconds)
    this.state = state
    this.awsCode = awsCode
    this.isSilent = isSilent
  }
}

/** A call that AWS refused by itself, in AWS's own words: it has changed nothing, and a repetition is refused too. */
export class Refusal extends Failure {
  constructor(api: string, code: string, reason: string) {
    super(new Fault('conflict', `AWS refused ${api} (${code}): ${reason.slice(0, 300)}`), 'unavailable', code, false)
  }
}

/** For calls of actions, whose refusals are told: they quote ids and values, and no secret. */
export function failureToAct(api: string, error: SdkError): Failure {
  const failure = failureOf(api, error)
  const isRefused =
    verdictOf(error) === 'rejected' && failure.code === 'unavailable' && failure.state !== 'api_disabled'
  return isRefused ? new Refusal(api, failure.awsCode, error.message ?? '') : failure
}

// A region or service that the account has not switched on does not know the account's keys.
const regionOff = new Set(['AuthFailure', 'InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidToken'])
const serviceOff = new Set(['OptInRequired', 'SubscriptionRequiredException', 'NotSignedUp'])

/** Leaves out the SDK's own message, which may contain the request with its secrets. */
export function failureOf(api: string, error: SdkError): Failure {
  const { name: code = '', message = '', $metadata, $response } = error
  const verdict = verdictOf(error)
  const fail = (fault: Fault, state: Problem['state']) => new Failure(fault, state, code, verdict === 'silent')
  if (serviceOff.has(code))
    return fail(new Fault('unavailable', `This account has not signed up for the service of ${api}.`), 'api_disabled')
  if (regionOff.has(code))
    return fail(new Fault('forbidden', `AWS does not know this account for ${api}.`), 'region_disabled')
  switch (verdict) {
    case 'throttled': {
      const seconds = Number($response?.headers?.['retry-after']) || 30
      return fail(new Fault('rate_limited', `AWS throttles ${api}. Try again later.`, [], seconds), 'throttled')
    }
    case 'denied':
      return /service control policy/i.test(message)
        ? fail(new Fault('forbidden', `A policy of the organization (SCP) denies ${api}.`), 'region_disabled')
        : fail(new Fault('forbidden', `The role lacks ${permissionOf(api)}. ${remedy}`), 'permission_missing')
    case 'silent':
    case 'rejected': {
      const why = [$metadata?.httpStatusCode, /^\w+$/.test(code) && code].filter(Boolean).join(' ')
      return fail(
        new Fault('unavailable', `AWS does not answer ${api}${why && ` (${why})`}. Try again in a few minutes.`),
        'unavailable',
      )
    }
  }
}

const remedy = 'Update its CloudFormation stack with the current template, or add the permission to its policy.'

function permissionOf(api: string): string {
  const [service = '', operation] = api.split(':')
  const calls = [...readGrants.map(({ call, ...one }) => ({ ...one, calls: [call] })), ...actGrants]
  const granted = calls.find((one) => one.permission.startsWith(`${service}:`) && one.calls?.includes(operation ?? ''))
  return `the permission ${granted?.permission ?? api}`
}
