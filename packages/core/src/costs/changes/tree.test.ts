import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Amount, parse, plain, sum } from '../../kernel/money.ts'
import { type Cause, causesOf, changeOf, type Leaf, type Node, treeOf } from './tree.ts'

const charge = (given: Partial<Leaf>): Leaf => ({
  currency: 'USD',
  provider: 'AWS',
  account: '1',
  service: 'EC2',
  resource: 'i-1',
  kind: 'usage',
  leaf: '1',
  before: '0',
  after: '0',
  quantityBefore: null,
  quantityAfter: null,
  ratedBefore: '0',
  ratedAfter: '0',
  pricedBefore: '0',
  pricedAfter: '0',
  ...given,
})

const textOf = (found: Map<string, Amount>) =>
  Object.fromEntries([...found].filter(([, amount]) => !amount.eq(0)).map(([cause, amount]) => [cause, plain(amount)]))

describe('the causes of a change', () => {
  const cases: [string, Partial<Leaf>, Record<string, string>][] = [
    ['more of it', { before: '2', after: '5', quantityBefore: '4', quantityAfter: '10' }, { quantity: '3' }],
    ['a lower price', { before: '2', after: '1.5', quantityBefore: '4', quantityAfter: '4' }, { price: '-0.5' }],
    [
      'both, where the quantity counts at the price of before',
      { before: '2', after: '4.5', quantityBefore: '4', quantityAfter: '6' },
      { quantity: '1', price: '1.5' },
    ],
    [
      'a price with more decimals than money has',
      { before: '1', after: '2', quantityBefore: '3', quantityAfter: '4' },
      { quantity: '0.333333333333333333', price: '0.666666666666666667' },
    ],
    ['a new charge', { after: '5', quantityAfter: '1' }, { new: '5' }],
    ['a charge that is gone', { before: '5', quantityBefore: '1' }, { gone: '-5' }],
    ['the end of a free tier', { after: '5', quantityBefore: '1', quantityAfter: '1' }, { price: '5' }],
    ['no quantity', { before: '5', after: '7' }, { other: '2' }],
    ['a credit', { before: '-5', after: '-7', kind: 'credits' }, { credits: '-2' }],
    ['the rest of a large lake', { before: '5', after: '7', leaf: null }, { other: '2' }],
    [
      'a weaker currency, at the same price and quantity',
      {
        before: '10',
        after: '12',
        quantityBefore: '1',
        quantityAfter: '1',
        ratedBefore: '10',
        pricedBefore: '8',
        ratedAfter: '12',
        pricedAfter: '8',
      },
      { currency: '2' },
    ],
    [
      'a credit in a weaker currency',
      {
        before: '-10',
        after: '-18',
        kind: 'credits',
        ratedBefore: '1',
        pricedBefore: '1',
        ratedAfter: '3',
        pricedAfter: '2',
      },
      { currency: '-6', credits: '-2' },
    ],
    [
      'currency, quantity and price at once',
      {
        before: '10',
        after: '36',
        quantityBefore: '1',
        quantityAfter: '2',
        ratedBefore: '10',
        pricedBefore: '8',
        ratedAfter: '36',
        pricedAfter: '24',
      },
      { currency: '6', quantity: '10', price: '10' },
    ],
  ]
  test.each(cases)('%s', (_, given, expected) => expect(textOf(causesOf(charge(given)))).toEqual(expected))
})

const cost = fc.integer({ min: -1e9, max: 1e9 }).map((n) => plain(parse(String(n)).div(1e6)))
const quantity = fc.option(fc.integer({ min: -50, max: 1000 }).map((n) => plain(parse(String(n)).div(7).round(12))))
const rate = fc.integer({ min: 0, max: 1e6 }).map(String)
const name = fc.option(fc.constantFrom('a', 'b', 'c', 'd'))
const leaf: fc.Arbitrary<Leaf> = fc.record({
  currency: fc.constant('USD'),
  provider: fc.constantFrom('AWS', 'Microsoft'),
  account: name,
  service: name,
  resource: name,
  kind: fc.constantFrom('usage', 'usage', 'usage', 'credits', 'tax', 'commitments'),
  leaf: fc.constantFrom('1', null),
  before: cost,
  after: cost,
  quantityBefore: quantity,
  quantityAfter: quantity,
  ratedBefore: rate,
  ratedAfter: rate,
  pricedBefore: rate,
  pricedAfter: rate,
})
const leaves = fc.array(leaf, { maxLength: 40 })
const limit = fc.integer({ min: 1, max: 5 })

function all(node: Node): Node[] {
  return [node, ...node.children.flatMap(all)]
}

const causes: Cause[] = ['price', 'quantity', 'new', 'gone', 'currency', 'credits', 'commitments', 'tax', 'other']
const facts = ({ before, after, causes: found }: Node) => [before, after, ...causes.map((cause) => found.get(cause))]
const sumAt = (nodes: readonly Node[], index: number) =>
  plain(sum(nodes.map((node) => facts(node)[index] ?? parse('0'))))

describe('the tree', () => {
  test('children sum to their parent, and causes to the change, to the last digit and within any limit', () => {
    fc.assert(
      fc.property(leaves, limit, fc.integer({ min: 1, max: 30 }), (leaves, limit, most) => {
        const tree = treeOf(leaves, limit, most)
        expect(plain(tree.before)).toBe(plain(sum(leaves.map(({ before }) => parse(before)))))
        expect(plain(tree.after)).toBe(plain(sum(leaves.map(({ after }) => parse(after)))))
        for (const node of all(tree)) {
          expect(plain(sum(node.causes.values()))).toBe(plain(changeOf(node)))
          expect(node.children.length).toBeLessThanOrEqual(limit + 1)
          if (node.children.length > 0)
            facts(node).forEach((_, index) => expect(sumAt(node.children, index)).toBe(sumAt([node], index)))
        }
        expect(all(tree).length).toBeLessThanOrEqual(most + limit + 2)
      }),
    )
  })

  test('swapped periods negate the change, and swap new and gone', () => {
    const swapped = (one: Leaf): Leaf => ({
      ...one,
      before: one.after,
      after: one.before,
      quantityBefore: one.quantityAfter,
      quantityAfter: one.quantityBefore,
      ratedBefore: one.ratedAfter,
      ratedAfter: one.ratedBefore,
      pricedBefore: one.pricedAfter,
      pricedAfter: one.pricedBefore,
    })
    fc.assert(
      fc.property(leaves, fc.boolean(), (given, isRated) => {
        const leaves = isRated ? given : given.map((one) => ({ ...one, ratedBefore: '0', ratedAfter: '0' }))
        const [there, back] = [treeOf(leaves, 5), treeOf(leaves.map(swapped), 5)]
        const negated = (amount: Amount | undefined) => plain((amount ?? parse('0')).neg())
        expect(negated(changeOf(back))).toBe(plain(changeOf(there)))
        const nodes = all(back)
        expect(all(there).map(({ value }) => value)).toEqual(nodes.map(({ value }) => value))
        for (const [index, node] of all(there).entries()) {
          const other = nodes[index]
          expect(negated(other && changeOf(other))).toBe(plain(changeOf(node)))
          for (const cause of isRated ? [] : (['credits', 'tax', 'commitments'] as const))
            expect(negated(other?.causes.get(cause))).toBe(plain(node.causes.get(cause) ?? parse('0')))
          expect(negated(other?.causes.get('gone'))).toBe(plain(node.causes.get('new') ?? parse('0')))
        }
      }),
    )
  })

  test('equal periods have no change and no cause', () => {
    const equal = leaf.map((one) => ({
      ...one,
      after: one.before,
      quantityAfter: one.quantityBefore,
      ratedAfter: one.ratedBefore,
      pricedAfter: one.pricedBefore,
    }))
    fc.assert(
      fc.property(fc.array(equal), (leaves) => {
        for (const node of all(treeOf(leaves, 5)))
          expect([plain(changeOf(node)), textOf(node.causes)]).toEqual(['0', {}])
      }),
    )
  })

  test('the largest changes come first, and the rest is one child that has its causes', () => {
    const named = (resource: string | null, after: string) => charge({ resource, after, quantityAfter: '1' })
    const tree = treeOf([named('a', '1'), named('b', '-3'), named(null, '2'), named('c', '0.5')], 2)
    const [resources = []] = tree.children.flatMap((provider) =>
      provider.children.flatMap(({ children }) => children.map((service) => service.children)),
    )
    expect(resources.map((node) => [node.value, textOf(node.causes)])).toEqual([
      ['b', { new: '-3' }],
      [null, { new: '2' }],
      [undefined, { new: '1.5' }],
    ])
  })
})
