import type { Queries } from '../../effects/queries.ts'
import { type Amount, parse, sum, zero } from '../../kernel/money.ts'

export type Leaf = Queries['costChanges']['row']

export type Cause = 'price' | 'quantity' | 'new' | 'gone' | 'currency' | 'other' | Exclude<Leaf['kind'], 'usage'>

/** The causes sum to `after` minus `before`. */
export interface Sums {
  before: Amount
  after: Amount
  causes: Map<Cause, Amount>
}

export interface Node extends Sums {
  /** Null where the bill has no value; undefined for the sum of what is not listed. */
  value: string | null | undefined
  children: Node[]
}

const levels = ['provider', 'account', 'service', 'resource'] as const

const decimals = 18

/** Of one currency. At most `limit` children of a node, and about `most` nodes; a last child sums up the others. */
export function treeOf(leaves: readonly Leaf[], limit: number, most = 2000): Node {
  return bounded(nodeOf(undefined, leaves, 0), limit, most)
}

export function changeOf({ before, after }: Sums): Amount {
  return after.minus(before)
}

/** Of one charge. The quantity counts at the price of before, and the rest is the price's. */
export function causesOf(leaf: Leaf): Map<Cause, Amount> {
  const [before, after] = [parse(leaf.before), parse(leaf.after)]
  const change = after.minus(before)
  const currency = currencyOf(leaf, after)
  const rest = change.minus(currency)
  if (leaf.kind !== 'usage') return made({ currency, [leaf.kind]: rest })
  if (leaf.leaf === null) return made({ currency, other: rest })
  const [had, has] = [amountOf(leaf.quantityBefore), amountOf(leaf.quantityAfter)]
  if (before.eq(0) && had.eq(0)) return made({ new: change })
  if (after.eq(0) && has.eq(0)) return made({ gone: change })
  if (had.eq(0) || has.eq(0)) return made({ currency, other: rest })
  const quantity = has.minus(had).times(before).div(had).round(decimals)
  return made({ currency, quantity, price: rest.minus(quantity) })
}

/** The cost of after, less the same at the rate of before. */
function currencyOf(leaf: Leaf, after: Amount): Amount {
  const [rated, priced] = [parse(leaf.ratedBefore), parse(leaf.pricedBefore)]
  const [ratedNow, pricedNow] = [parse(leaf.ratedAfter), parse(leaf.pricedAfter)]
  const [then, now] = [rated.times(pricedNow), ratedNow.times(priced)]
  if (then.eq(0) || now.eq(0) || then.eq(now)) return zero
  return after.minus(after.times(then).div(now).round(decimals))
}

const amountOf = (text: string | null) => (text === null ? zero : parse(text))

const made = (amounts: Partial<Record<Cause, Amount>>) => new Map(Object.entries(amounts) as [Cause, Amount][])

function nodeOf(value: Node['value'], leaves: readonly Leaf[], depth: number): Node {
  const level = levels[depth]
  if (level === undefined) return { value, children: [], ...total(leaves.map(sumsOf)) }
  const groups = Map.groupBy(leaves, (leaf) => (level === 'resource' && leaf.leaf === null ? undefined : leaf[level]))
  const children = [...groups].map(([key, own]) => nodeOf(key, own, depth + 1)).toSorted(largestFirst)
  return { value, children, ...total(children) }
}

function sumsOf(leaf: Leaf): Sums {
  return { before: parse(leaf.before), after: parse(leaf.after), causes: causesOf(leaf) }
}

function total(parts: readonly Sums[]): Sums {
  const found = new Map<Cause, Amount>()
  for (const part of parts)
    for (const [cause, amount] of part.causes) found.set(cause, (found.get(cause) ?? zero).plus(amount))
  return {
    before: sum(parts.map(({ before }) => before)),
    after: sum(parts.map(({ after }) => after)),
    causes: found,
  }
}

/** By the absolute change, equal ones by name. */
function largestFirst(a: Node, b: Node): number {
  return changeOf(b).abs().cmp(changeOf(a).abs()) || ((a.value ?? '') < (b.value ?? '') ? -1 : 1)
}

/** Level by level: the largest nodes get their children first. */
function bounded(root: Node, limit: number, most: number): Node {
  let left = most
  for (let layer = [root]; layer.length > 0; layer = layer.flatMap(({ children }) => children).toSorted(largestFirst))
    for (const node of layer) {
      node.children = left > 0 ? cut(node.children, limit) : []
      left -= node.children.length
    }
  return root
}

function cut(nodes: readonly Node[], limit: number): Node[] {
  const named = nodes.filter(({ value }) => value !== undefined)
  const rest = [...nodes.filter(({ value }) => value === undefined), ...named.slice(limit)]
  const others = rest.length === 0 ? [] : [{ value: undefined, children: [], ...total(rest) }]
  return [...named.slice(0, limit), ...others]
}
