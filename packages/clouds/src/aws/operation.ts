import type { AwsRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import type { Faults } from '../faults.ts'
import type { Answer } from '../server.ts'
import type { Export } from './export.ts'
import type { AwsResource } from './resource.ts'

/** The role that an account trusts the product with. */
export interface AwsRole {
  roleArn: string
  externalId: string
}

/** The simulated AWS of one organization. */
export interface Aws {
  estate: Estate
  now(): Date
  faults: Faults
  resources: readonly AwsResource[]
  roles: Record<string, AwsRole>
  export: Export
}

/** A request to an account. */
export interface Question extends AwsRequest {
  aws: Aws
  account: string
  /** The resources of a type that exist now in the account, and in the region unless it is `any`. */
  all(type: string, region?: 'any'): AwsResource[]
}

/** The output of an operation as the SDK returns it, or a whole answer. */
export type Operation = (question: Question) => object | Whole | Promise<object | Whole>

export class Whole {
  readonly answer: Answer
  constructor(answer: Answer) {
    this.answer = answer
  }
}

/** An error by AWS's name. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, status: number) {
    super(code)
    this.code = code
    this.status = status
  }
}

/** Pages of a list; the tokens, in the input and in the output, are positions. */
export function list(
  key: string,
  [from, to]: readonly [string, string],
  items: (question: Question) => unknown[],
  pageSize = 10,
): Operation {
  return (question) => {
    const all = items(question)
    const start = Number(question.input[from] ?? 0)
    const end = start + pageSize
    return { [key]: all.slice(start, end), ...(end < all.length && { [to]: String(end) }) }
  }
}
