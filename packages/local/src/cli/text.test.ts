import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dimensions } from '@cloudoptima/core'
import { filtersOf } from './commands/costs.ts'
import { bytes, exact, pasteable, periods, short, signed, sparkline, span } from './output.ts'
import { sumOf } from './totals.ts'

describe('text', () => {
  it('groups thousands and keeps every digit', () => {
    expect(exact('1234567.000000000000000001')).toBe('1,234,567.000000000000000001')
    expect([exact('-1000'), exact('999'), exact('0'), exact(null)]).toEqual(['-1,000', '999', '0', '-'])
    fc.assert(
      fc.property(fc.bigInt(), fc.stringMatching(/^(\.\d{0,17}[1-9])?$/), (whole, fraction) => {
        expect(exact(`${whole}${fraction}`).replaceAll(',', '')).toBe(`${whole}${fraction}`)
      }),
    )
  })

  it('quotes a text that a shell would split or interpret', () => {
    expect([pasteable('data/one-2'), pasteable('my data'), pasteable("it's"), pasteable('')]).toEqual([
      'data/one-2',
      "'my data'",
      String.raw`'it'\''s'`,
      "''",
    ])
  })

  it('shows the sign of a difference', () => {
    expect([signed('1.5'), signed('-1.5'), signed('0')]).toEqual(['+1.5', '-1.5', '0'])
  })

  it('draws bars from 0 or the least value to the greatest', () => {
    expect(sparkline([0, 50, 100])).toBe('▁▅█')
    expect(sparkline([-100, 0, 100])).toBe('▁▅█')
    expect(sparkline([0, 0])).toBe('▁▁')
    expect(sparkline([])).toBe('')
  })

  it('shortens a text at its beginning', () => {
    expect([short('/providers/billingAccounts/1', 10), short('123', 10)]).toEqual(['…ccounts/1', '123'])
  })

  it('shortens sizes and periods', () => {
    expect([bytes(0), bytes(999), bytes(1000), bytes(1_100_000_000)]).toEqual(['0 B', '999 B', '1.0 kB', '1.1 GB'])
    expect([periods([]), periods(['2024-09']), periods(['2024-10', '2024-09', '2024-10'])]).toEqual([
      '',
      '2024-09',
      '2024-09, 2024-10',
    ])
    expect(periods(['2024-08', '2024-09', '2024-10'])).toBe('2024-08 … 2024-10 (3)')
    expect([0, 59, 60, 7_199, 86_399, 200_000].map(span)).toEqual(['0 s', '59 s', '1 min', '1 h', '23 h', '2 d'])
  })
})

describe('filters', () => {
  it('combine values of one dimension by OR and dimensions by AND', () => {
    expect(filtersOf(['service=A=1', 'service=B', 'tag:Team=Search'])).toEqual([
      { dimension: 'service', values: ['A=1', 'B'] },
      { dimension: 'tag', tagKey: 'Team', values: ['Search'] },
    ])
  })

  it.each(dimensions.filter((dimension) => dimension !== 'tag'))('can name the dimension %s', (dimension) => {
    expect(filtersOf([`${dimension}=x`])).toEqual([{ dimension, values: ['x'] }])
  })

  it.each(['service', 'colour=red', 'tag:=x', '=x'])('%s is refused with an example', (text) => {
    expect(() => filtersOf([text])).toThrow('--filter service="AWS Lambda"')
  })
})

describe('totals', () => {
  it('skip unknown amounts, and are unknown if no amount is known', () => {
    expect([sumOf(['0.1', null, '0.2']), sumOf([null]), sumOf(['1', '-1'])]).toEqual(['0.3', null, '0'])
  })
})
