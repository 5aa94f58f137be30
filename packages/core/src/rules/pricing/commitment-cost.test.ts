import { expect, test } from 'vitest'
import { commitmentCost } from './commitment-cost.ts'

const charges = { currency: 'USD', used: '510', unused: '3.1', purchased: '170.5' }
const costs = (cloud: 'aws' | 'azure' | 'gcp', days: number) =>
  commitmentCost(cloud, charges, days)?.parts.map(({ part, cost }) => `${part} ${cost}`)

test('a commitment has the cost of its use, and of what was not used, in 30 days', () => {
  expect(costs('azure', 30)).toEqual(['commitment 510', 'commitment_unused 3.1'])
  expect(costs('azure', 31)).toEqual(['commitment 493.548387096774', 'commitment_unused 3'])
})

test('the unused part of a fee of AWS is its effective cost; the bills of Google Cloud do not tell it', () => {
  expect(costs('aws', 30)).toEqual(['commitment 510', 'commitment_unused 173.6'])
  expect(costs('gcp', 30)).toBeUndefined()
})
