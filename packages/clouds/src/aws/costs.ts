import { Day, type Fields, Money } from '@cloudoptima/sample'
import { list, type Question } from './operation.ts'

/** The service and the account of a charge. */
export const costKeys = ({ ChargeCategory, ServiceName, SubAccountId }: Fields): string[] => [
  (ChargeCategory === 'Tax' ? 'Tax' : ServiceName) ?? '',
  SubAccountId ?? '',
]

const amount = (cost: bigint) => ({ Amount: Money.format(cost, Money.costScale), Unit: 'USD' })

/** A member of the organization sees its own costs. */
function costsOn({ aws, account, isPayer }: Question, day: Day.Day): object {
  const [Start, End] = [Day.format(day), Day.format(day + 1)]
  const sums = aws.sums(aws.export.version(Start.slice(0, 7))).get(Start) ?? []
  const Groups = sums
    .filter(({ keys }) => isPayer || keys[1] === account)
    .map(({ keys, billed, effective }) => {
      const [UnblendedCost, AmortizedCost] = [amount(billed), amount(effective)]
      return { Keys: keys, Metrics: { UnblendedCost, AmortizedCost, NetAmortizedCost: AmortizedCost } }
    })
  return { TimePeriod: { Start, End }, Groups, Estimated: true }
}

/** The days of a question to Cost Explorer. */
export const costsByDay = list('ResultsByTime', ['NextPageToken', 'NextPageToken'], (question) => {
  const { Start = '', End = '' } = question.input['TimePeriod'] as Record<string, string>
  const first = Day.parse(Start)
  return Array.from({ length: Day.parse(End) - first }, (_, index) => costsOn(question, first + index))
})
