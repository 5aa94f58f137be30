import { Refusal } from '../answers.ts'
import { powerOf } from './describe.ts'
import { instanceType } from './instance-types.ts'
import { changeOf, type Operation, type Question } from './operation.ts'
import { filterOf, valuesOf } from './query.ts'
import type { AwsResource } from './resource.ts'

/** An operation that the role for actions alone may call; its dry run changes nothing. */
export const acting =
  (operation: (question: Question) => object): Operation =>
  (question) => {
    if (!question.canAct) throw new Refusal('UnauthorizedOperation', 403)
    if (question.input['DryRun'] === 'true') throw new Refusal('DryRunOperation', 412)
    return operation(question)
  }

/** The resource of a type with this id. */
export function named({ all }: Question, type: string, id: unknown, code: string): AwsResource {
  const found = all(type).find((each) => each.id === id)
  if (!found) throw new Refusal(code, 400)
  return found
}

const instances = (question: Question): AwsResource[] =>
  valuesOf(question.input, 'InstanceId').map((id) => named(question, 'ec2:instance', id, 'InvalidInstanceID.NotFound'))

const switching = (key: string, isOn: boolean): Operation =>
  acting((question) => {
    const { aws } = question
    const now = aws.now()
    const [from, to] = isOn ? (['stopped', 'running'] as const) : (['running', 'stopped'] as const)
    const all = instances(question)
    for (const one of all) {
      const state = powerOf(one, now)
      if (isOn && state === 'stopping') throw new Refusal('IncorrectInstanceState', 400)
      if (state === from || (!isOn && state === 'pending'))
        changeOf(aws, one, { power: { isOn, since: now.getTime() } })
    }
    const PreviousState = { Name: from }
    return { [key]: all.map(({ id }) => ({ InstanceId: id, PreviousState, CurrentState: { Name: to } })) }
  })

/** Instances that stop, start and take another type. */
export const power: Record<string, Operation> = {
  'ec2:StopInstances': switching('StoppingInstances', false),
  'ec2:StartInstances': switching('StartingInstances', true),
  'ec2:ModifyInstanceAttribute': acting((question) => {
    const { input, aws } = question
    const one = named(question, 'ec2:instance', input['InstanceId'], 'InvalidInstanceID.NotFound')
    const type = input['InstanceType.Value']
    if (typeof type !== 'string') throw new Refusal('InvalidParameterCombination', 400)
    if (powerOf(one, aws.now()) !== 'stopped') throw new Refusal('IncorrectInstanceState', 400)
    changeOf(aws, one, { class: type })
    return {}
  }),
  'ec2:DescribeInstanceTypes': ({ input }) => ({
    InstanceTypes: (filterOf(input, 'instance-type') ?? []).flatMap(instanceType),
  }),
  'ec2:DescribeInstanceTypeOfferings': ({ input }) => ({
    InstanceTypeOfferings: (filterOf(input, 'instance-type') ?? [])
      .filter((type) => instanceType(type).length > 0)
      .map((InstanceType) => ({
        InstanceType,
        LocationType: 'availability-zone',
        Location: filterOf(input, 'location')?.[0],
      })),
  }),
}
