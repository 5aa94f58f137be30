import { Refusal } from '../answers.ts'
import { changeOf, list, type Operation, type Question } from './operation.ts'
import { type AwsResource, tagsOf } from './resource.ts'

/** The tagging API names snapshots with their account. */
const withoutAccount = (arn: string) => arn.split(':').toSpliced(4, 1).join(':')

function named({ aws, account, input }: Question): [arn: string, resource: AwsResource | undefined][] {
  const own = new Map(
    aws.resources.filter((each) => each.account === account).map((each) => [withoutAccount(each.arn), each]),
  )
  return (input['ResourceARNList'] as string[]).map((arn) => [arn, own.get(withoutAccount(arn))])
}

const most = 20
const mostTags = 50

/** Changes each resource on its own, and answers for those that failed. */
const changing =
  (edit: (tags: Record<string, string>, input: Question['input']) => Record<string, string>): Operation =>
  (question) => {
    const { canAct, input, aws } = question
    if (!canAct) throw new Refusal('AccessDeniedException', 400)
    if ((input['ResourceARNList'] as string[]).length > most) throw new Refusal('InvalidParameterException', 400)
    const failed = named(question).flatMap(([arn, resource]) => {
      const reason = (ErrorMessage: string) => [
        [arn, { StatusCode: 400, ErrorCode: 'InvalidParameterException', ErrorMessage }],
      ]
      if (!resource) return reason('The resource does not exist.')
      const tags = edit(resource.tags, input)
      if (Object.keys(tags).length > mostTags) return reason('TagLimitExceeded')
      changeOf(aws, resource, { tags })
      return []
    })
    return { FailedResourcesMap: Object.fromEntries(failed) }
  }

/** https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/ */
export const tagging: Record<string, Operation> = {
  'tag:GetResources': list('ResourceTagMappingList', ['PaginationToken', 'PaginationToken'], (question) => {
    const { input, all } = question
    const types = input['ResourceTypeFilters'] as string[] | undefined
    const found = types?.flatMap((type) => all(type)) ?? named(question).flatMap(([, resource]) => resource ?? [])
    return found.map(({ arn, tags }) => ({ ResourceARN: arn, Tags: tagsOf(tags) }))
  }),
  'tag:TagResources': changing((tags, input) => ({ ...tags, ...(input['Tags'] as Record<string, string>) })),
  'tag:UntagResources': changing((tags, input) => {
    const keys = new Set(input['TagKeys'] as string[])
    return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.has(key)))
  }),
}
