import { Refusal } from '../answers.ts'
import { list, type Operation, type Question } from './operation.ts'
import { hasTags, valuesOf } from './query.ts'
import type { AwsResource } from './resource.ts'

/** The names of tokens in the input and in the output, by service. */
const tokens: Record<string, [string, string]> = {
  dynamodb: ['ExclusiveStartTableName', 'LastEvaluatedTableName'],
  ec2: ['NextToken', 'NextToken'],
  eks: ['nextToken', 'nextToken'],
  elasticache: ['Marker', 'Marker'],
  elasticloadbalancing: ['Marker', 'NextMarker'],
  lambda: ['Marker', 'NextMarker'],
  logs: ['nextToken', 'nextToken'],
  rds: ['Marker', 'Marker'],
  s3: ['continuation-token', 'ContinuationToken'],
  savingsplans: ['nextToken', 'nextToken'],
  tag: ['PaginationToken', 'PaginationToken'],
}

/** A list of the account: the operation, its output, and the items. */
export function listing(
  call: string,
  key: string,
  items: (question: Question) => unknown[],
): Record<string, Operation> {
  return { [call]: list(key, tokens[call.split(':')[0] ?? ''] ?? ['', ''], items) }
}

/** A list of the resources of a type: all of them, or those with the ids in the input. */
export function each(
  call: string,
  key: string,
  type: string,
  item: (resource: AwsResource, question: Question) => unknown,
  { ids: name, missing }: { ids: string; missing: string } = { ids: '', missing: '' },
) {
  return listing(call, key, (question) => {
    const ids = name === '' ? [] : valuesOf(question.input, name)
    const all = question.all(type)
    if (ids.some((id) => all.every((one) => one.id !== id))) throw new Refusal(missing, 400)
    const asked = ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id))
    return asked.filter(({ tags }) => hasTags(question.input, tags)).map((resource) => item(resource, question))
  })
}

/** The description of one resource by its name in the input. */
export function one(call: string, input: string, type: string, item: (resource: AwsResource) => object) {
  const operation: Operation = (question) => {
    const found = question.all(type).find(({ id }) => id === question.input[input])
    if (!found) throw new Refusal('ResourceNotFoundException', 400)
    return item(found)
  }
  return { [call]: operation }
}
