import { Money } from '@cloudoptima/sample'
import { dayOf, timeOf } from '../load.ts'
import type { Question } from './operation.ts'

const year = 31_536_000

/** The commitments that the account has bought, in USD an hour; their ARN names account and region. */
export function commitmentsOf({ aws, account, region }: Question, service: 'rds' | 'savingsplans') {
  const place = service === 'rds' ? `rds:${region}` : 'savingsplans:'
  return aws.estate.commitments
    .filter(({ id, from }) => id.startsWith(`arn:aws:${place}:${account}:`) && from <= dayOf(aws.now()))
    .map(({ id, name, count, from, unitPrice }) => ({
      id,
      name,
      count,
      start: timeOf(from),
      seconds: year,
      hourly: Money.format(unitPrice * BigInt(count), Money.priceScale),
    }))
}
