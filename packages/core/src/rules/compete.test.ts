import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import { compete, type Option } from './compete.ts'
import { priorityOf } from './priority.ts'
import { type Found, type Level, levels } from './rule.ts'
import { found, some } from './testing/subjects.ts'

const volume = some('aws', 'volume')

function option(rule: string, id: string, amount: string | undefined, more: Partial<Found> = {}): Option {
  const finding = found({ rule, subject: volume({ id }), ...more })
  return { finding, saving: { basis: 'test', ...(amount !== undefined && { amount }) } }
}

const named = (options: readonly Option[]) =>
  compete(options).map(({ finding, alternatives }) => [finding.rule, ...alternatives.map((each) => each.finding.rule)])

test('rules on one resource become one recommendation with alternatives', () => {
  expect(named([option('resize', 'i-1', '40'), option('idle', 'i-1', '100'), option('idle', 'i-2', '70')])).toEqual([
    ['idle', 'resize'],
    ['idle'],
  ])
})

test('an option competes for all the resources that it ends', () => {
  const image = option('image', 'ami-1', '1', { also: [volume({ id: 'snap-1' })] })
  expect(named([image, option('snapshot', 'snap-1', '5')])).toEqual([['snapshot', 'image']])
})

test('what saves nothing is left out, unless a commitment goes on paying or the data does not say', () => {
  const paid = option('paid', 'i-3', '0')
  const committed = { ...paid, saving: { ...paid.saving, committed: '10' } }
  expect(named([option('dear', 'i-1', '0'), option('untold', 'i-2', undefined), committed])).toEqual([
    ['untold'],
    ['paid'],
  ])
})

test('a finding about order stands beside the others', () => {
  const tag = option('tag', 'i-1', '0', { saving: { kind: 'none' } })
  expect(named([tag, option('idle', 'i-1', '5')])).toEqual([['idle'], ['tag']])
})

test('priority is saving x confidence x risk factor x effort factor, exactly', () => {
  const { finding, saving } = option('r', 'i-1', '100.10', {
    confidence: { level: 'medium', reason: 'test' },
    risk: 'high',
    effort: 'medium',
  })
  // 100.10 x 0.7 x 0.4 x 0.85
  expect(Money.plain(priorityOf(finding, saving))).toBe('23.8238')
})

test.each(['confidence', 'risk', 'effort'] as const)('the better %s comes first at the same saving', (quality) => {
  const of = (level: Level) =>
    quality === 'confidence' ? { confidence: { level, reason: 'test' } } : { [quality]: level }
  const order = compete(levels.map((level) => option(level, level, '10', of(level)))).map(({ finding }) => finding.rule)
  expect(order).toEqual(quality === 'confidence' ? ['high', 'medium', 'low'] : ['low', 'medium', 'high'])
})
