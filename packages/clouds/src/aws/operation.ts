import type { AwsRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import type { Answer } from '../server.ts'
import type { Sum } from '../sums.ts'
import type { Version } from '../versions.ts'
import type { Export } from './export.ts'
import type { AwsResource, Changes } from './resource.ts'

/** The simulated AWS of one organization. */
export interface Aws {
  estate: Estate
  now(): Date
  resources: readonly AwsResource[]
  /** By ARN, since the start. */
  changes: Map<string, Changes>
  /** That calls have made since the start. */
  created: AwsResource[]
  export: Export
  /** By day. */
  sums(version: Version): Map<string, Sum[]>
}

/** Changes a resource, of which its bill knows nothing. */
export function changeOf({ changes }: Pick<Aws, 'changes'>, resource: AwsResource, change: Changes): void {
  changes.set(resource.arn, { ...changes.get(resource.arn), ...change })
  Object.assign(resource, change)
}

/** A request to an account. */
export interface Question extends AwsRequest {
  aws: Aws
  account: string
  isPayer: boolean
  /** By the role for actions. */
  canAct: boolean
  /** The resources of a type that exist now in the account, and in the region unless it is `any`. */
  all(type: string, region?: 'any'): AwsResource[]
}

/** Answers with the output of an operation as the SDK returns it, or with a `Whole` answer. */
export type Operation = (question: Question) => object | Promise<object>

/** An answer that is sent as it is. */
export class Whole {
  readonly answer: Answer
  constructor(answer: Answer) {
    this.answer = answer
  }
}

/** Pages of a list. `tokens`: their names in the input and in the output; they are positions. */
export function list<Item>(
  key: string,
  tokens: readonly [string, string],
  items: (question: Question) => Item[],
  pageSize = 10,
): (question: Question) => Record<string, Item[] | string> {
  return (question) => {
    const all = items(question)
    const start = Number(question.input[tokens[0]] ?? 0)
    const end = start + pageSize
    return { [key]: all.slice(start, end), ...(end < all.length && { [tokens[1]]: String(end) }) }
  }
}
