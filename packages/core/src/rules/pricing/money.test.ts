import { expect, test } from 'vitest'
import { allRules } from '../analyzers.ts'
import { judge } from '../engine.ts'
import { monthlyCost, ownPrices } from './charges.ts'
import { priced, savingOf } from './money.ts'
import { priceBook, priceOf } from './prices.ts'
import type { Found, SavingBasis } from '../rule.ts'
import type { MonthlyCost } from '../subject.ts'
import { found, now, some, usd } from '../testing/subjects.ts'

const ec2 = some('aws', 'instance', { type: 'm5.xlarge', status: 'running' })
const place = { cloud: 'aws', region: 'eu-central-1', part: 'compute', currency: 'USD' } as const

const saves = (saving: SavingBasis, cost?: MonthlyCost, also: Found['also'] = []): Found =>
  found({ subject: ec2({ id: 'i-1', ...(cost && { cost }) }), also, saving })

const toLarge = {
  kind: 'price_of',
  replaces: ['compute'],
  targets: [{ part: 'compute', sku: 'm5.large', variant: 'Linux/UNIX' }],
} as const
const own = { ...place, sku: 'm5.large', variant: 'Linux/UNIX', quantity: '1000', cost: '90', listCost: '100' } as const
const listed = { ...place, sku: 'm5.large', variant: 'Linux/UNIX', price: '0.115', asOf: '2026-10-01' } as const
const none = priceBook([], [])

test('the own price of the target goes before the list price', () => {
  expect(savingOf(saves(toLarge, usd({ compute: '151.2 x 720' })), priceBook([own], [listed]))).toEqual({
    amount: '86.4',
    currency: 'USD',
    basis: '720 x m5.large at 0.09 USD (own price)',
  })
})

test('a list price is scaled by the own discount on the family', () => {
  const xlarge = { ...own, sku: 'm5.xlarge', variant: 'Linux/UNIX' }
  expect(priceOf(priceBook([xlarge], [listed]), listed)?.basis).toBe(
    '90 % of the list price of 2026-10-01, as paid for m5 in eu-central-1',
  )
  expect(savingOf(saves(toLarge, usd({ compute: '151.2 x 720' })), priceBook([xlarge], [listed])).amount).toBe('76.68')
  const other = { ...own, sku: 'c5.large' }
  expect(priceOf(priceBook([other], [listed]), listed)?.basis).toBe('list price of 2026-10-01')
})

test('the discount on a family is that of the region, and of other regions only where the region has none', () => {
  const xlarge = { ...own, sku: 'm5.xlarge', variant: 'Linux/UNIX' }
  const elsewhere = { ...xlarge, region: 'us-east-1', cost: '50' }
  const price = (...rows: (typeof xlarge | typeof elsewhere)[]) => priceOf(priceBook(rows, [listed]), listed)
  expect(price(xlarge, elsewhere)?.basis).toBe('90 % of the list price of 2026-10-01, as paid for m5 in eu-central-1')
  expect(price(xlarge, elsewhere)?.amount.toString()).toBe('0.1035')
  expect(price(elsewhere, { ...elsewhere, region: 'us-west-2', cost: '70' })?.basis).toBe(
    '60 % of the list price of 2026-10-01, as paid for m5 in other regions',
  )
  // Free usage of the region tells no discount, and that of other regions is not taken for it.
  expect(price({ ...xlarge, cost: '0' }, elsewhere)?.basis).toBe('list price of 2026-10-01')
})

test('without a price paid for the family, a list price is scaled by the discount on the replaced usage', () => {
  const ec2 = usd({ compute: '151.2 x 720' })
  const cost = { ...ec2, parts: ec2.parts.map((part) => ({ ...part, listCost: '189' })) }
  expect(savingOf(saves(toLarge, cost), priceBook([], [listed]))).toEqual({
    amount: '84.96',
    currency: 'USD',
    basis: '720 x m5.large at 0.092 USD (80 % of the list price of 2026-10-01, as paid for this resource)',
  })
  const free = { ...ec2, parts: ec2.parts.map((part) => ({ ...part, cost: '0', listCost: '189' })) }
  expect(savingOf(saves(toLarge, free), priceBook([], [listed])).basis).toBe(
    '720 x m5.large at 0.115 USD (list price of 2026-10-01)',
  )
})

test('gp2 with a discount becomes gp3 with the same discount', () => {
  const gp2 = { cloud: 'aws', region: 'eu-central-1', meter: 'EBS:VolumeUsage.gp2', service: 'AmazonEC2' } as const
  const paid = { currency: 'USD', effectiveCost: '80', listCost: '100', quantity: '1000' }
  const charges = [{ ...gp2, ...paid, commitmentId: null, commitmentStatus: null }]
  const cost = monthlyCost(charges)
  const volume = some('aws', 'volume')({ id: 'vol-1', type: 'gp2', sizeGb: 1000, ...(cost && { cost }) })
  const finding = judge(allRules, [volume], { now }).find(({ rule }) => rule === 'aws-volume-gp2')
  const gp3 = { ...place, part: 'storage', sku: 'gp3', price: '0.08', asOf: '2026-10-01' } as const
  const book = priceBook(ownPrices(charges), [gp3, { ...gp3, part: 'throughput', price: '0.04' }])
  // 80 less 80 % of 1000 GB at 0.08 and 125 MB at 0.04.
  expect(savingOf(finding as Found, book).amount).toBe('12')
})

test('a price in another currency, region or for another system is none', () => {
  for (const wrong of [{ currency: 'EUR' }, { region: 'us-east-1' }, { variant: 'Windows' }])
    expect(savingOf(saves(toLarge, usd({ compute: '151.2 x 720' })), priceBook([{ ...own, ...wrong }], []))).toEqual({
      currency: 'USD',
      basis: 'no price of m5.large (compute) in eu-central-1',
    })
})

test('a target that costs more saves nothing', () => {
  expect(savingOf(saves(toLarge, usd({ compute: '20 x 720' })), priceBook([own], [])).amount).toBe('0')
})

test('what a commitment pays goes on, and only the rest is saved', () => {
  const covered = { cost: '100.8', quantity: '480', commitmentId: 'ri-1' }
  const part = { part: 'compute', cost: '151.2', quantity: '720' } as const
  const cost = { currency: 'USD', parts: [{ ...part, covered }] }
  expect(savingOf(saves({ kind: 'stops_cost', parts: 'all' }, cost), none)).toEqual({
    amount: '50.4',
    currency: 'USD',
    committed: '100.8',
    basis: 'ends compute',
  })
  expect(savingOf(saves(toLarge, cost), priceBook([own], [])).amount).toBe('28.8')
  const whole = { currency: 'USD', parts: [{ ...part, covered: { cost: '151.2' } }] }
  expect(savingOf(saves({ kind: 'stops_cost', parts: 'all' }, whole), none)).toEqual({
    amount: '0',
    currency: 'USD',
    committed: '151.2',
    basis: 'a commitment pays for it: nothing is saved until it is used elsewhere',
  })
})

test('a saving that the data does not tell is unknown, not 0', () => {
  expect(savingOf(saves({ kind: 'stops_cost', parts: 'all' }), none)).toEqual({
    basis: 'the bills do not name the cost of this resource',
  })
  expect(savingOf(saves(toLarge, usd({ compute: '151.2' })), priceBook([own], []))).toEqual({
    currency: 'USD',
    basis: 'the bills do not name the quantity of compute',
  })
})

test('costs of the resources that end with it count, in the same currency', () => {
  const also = [
    ec2({ id: 'i-2', cost: usd({ storage: '5' }) }),
    ec2({ id: 'i-3', cost: { ...usd({ storage: '7' }), currency: 'EUR' } }),
  ]
  const saving = savingOf(
    saves({ kind: 'stops_cost', parts: 'all' }, usd({ compute: '0.1', storage: '0.2' }), also),
    none,
  )
  expect(saving).toEqual({ amount: '5.3', currency: 'USD', basis: 'ends compute, storage' })
})

test('the cost of what ends with a resource counts, though the bills do not name the resource', () => {
  const also = [some('aws', 'volume')({ id: 'vol-1', cost: usd({ storage: '5' }) })]
  expect(savingOf(saves({ kind: 'stops_cost', parts: 'all' }, undefined, also), none).amount).toBe('5')
})

const copied = { kind: 'stops_cost', parts: 'all', isCopied: true } as const
const gp3 = some('aws', 'volume', { type: 'gp3', cost: usd({ storage: '80 x 1000 of 100' }) })
const snapshots = { ...place, part: 'backup', sku: 'EBS:SnapshotUsage' } as const

test('a snapshot that stays is not saved: at most all of the disk, at the own discount', () => {
  const deleted = found({ subject: gp3({ id: 'vol-1', sizeGb: 1000 }), saving: copied })
  const book = priceBook([], [{ ...snapshots, price: '0.05', asOf: '2026-10-01' }])
  expect(savingOf(deleted, book).amount).toBe('40')
  const slow = gp3({ id: 'vol-2', sizeGb: 1000, cost: usd({ storage: '15 x 1000' }) })
  expect(savingOf({ ...deleted, subject: slow }, book).amount).toBe('0')
})

test('without the price or the size of the copy the saving is at most the cost, and nobody is sure', () => {
  const deleted = (sizeGb?: number) =>
    found({ subject: gp3({ id: 'vol-1', ...(sizeGb !== undefined && { sizeGb }) }), saving: copied })
  const book = priceBook([{ ...snapshots, quantity: '10', cost: '0.5' }], [])
  expect(priced(deleted(1000), book).finding.confidence.level).toBe('high')
  for (const [finding, prices] of [[deleted(1000), none] as const, [deleted(), book] as const]) {
    const option = priced(finding, prices)
    expect(option.saving).toMatchObject({
      amount: '80',
      isAtMost: true,
      basis: expect.stringMatching(/^ends storage; at most, because a copy stays: /),
    })
    expect(option.finding.confidence).toEqual({ level: 'low', reason: 'test; the saving is at most this' })
  }
})

test('a credit on another part caps the saving at what the resource costs', () => {
  const cost = usd({ compute: '100 x 720', other: '-60' })
  expect(savingOf(saves({ kind: 'stops_cost', parts: ['compute'] }, cost), none).amount).toBe('40')
})
