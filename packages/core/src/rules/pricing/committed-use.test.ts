import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Money from '../../kernel/money.ts'
import { type CommittedRow, committedUseOf } from './committed-use.ts'

// October 2026 has 744 hours. Both projects have 10 cores and 40 GiB of N2 for a year.
const common = { payer: '01AAAA', region: 'us-central1', currency: 'USD', accounts: ['shop', 'data'] } as const

function row(meter: string, quantity: string | null, cost: string, given: Partial<CommittedRow> = {}): CommittedRow {
  const unit = / Ram /.test(meter) ? 'GiB-Hours' : 'Hours'
  return { ...common, meter, unit, quantity, cost, isFee: meter.startsWith('Commitment'), ...given }
}

const fees = [
  row('Commitment v1: N2 Cpu in Iowa for 1 Year', '14880', '297.6'),
  row('Commitment v1: N2 Ram in Iowa for 1 Year', '59520', '178.56'),
]
const used = [
  row('N2 Instance Core running in Iowa', '7440', '0'),
  row('N2 Custom Instance Core running in Iowa', '3720', '12'),
  row('N2 Instance Ram running in Iowa', '59520', '0'),
]

const commitment = {
  accountId: 'shop',
  region: 'us-central1',
  type: 'TWELVE_MONTH',
  configuration: {
    type: 'GENERAL_PURPOSE_N2',
    resources: [
      { type: 'VCPU', amount: '10' },
      { type: 'MEMORY', amount: '40960' },
    ],
  },
}
const shown = (found: ReturnType<ReturnType<typeof committedUseOf>>) =>
  found && [found.unused, ...found.cost.parts.map(({ part, cost }) => `${part} ${cost} ${found.cost.currency}`)]

describe('a commitment of Google Cloud', () => {
  test('has its share of the cores and of the memory that nobody used in its region', () => {
    // 10 cores x 720 hours x 0.02, of which 25 % are unused; 40 GiB x 720 hours x 0.003, which are used.
    expect(shown(committedUseOf([...fees, ...used])(commitment))).toEqual([
      { cores: 25, memory: 0 },
      'commitment 194.4 USD',
      'commitment_unused 36 USD',
    ])
  })

  test('that nothing used is unused in full', () => {
    expect(shown(committedUseOf(fees)(commitment))).toEqual([
      { cores: 100, memory: 100 },
      'commitment 0 USD',
      'commitment_unused 230.4 USD',
    ])
  })

  test('has the fee of its own term', () => {
    const longer = row('Commitment v1: N2 Cpu in Iowa for 3 Year', '7440', '74.4')
    const cores = {
      ...commitment,
      configuration: { ...commitment.configuration, resources: [{ type: 'VCPU', amount: '10' }] },
    }
    const use = committedUseOf([...fees, longer, ...used])
    // Half of all 22,320 core hours.
    expect(shown(use(cores))).toEqual([{ cores: 50 }, 'commitment 72 USD', 'commitment_unused 72 USD'])
    expect(shown(use({ ...cores, type: 'THIRTY_SIX_MONTH' }))).toEqual([
      { cores: 50 },
      'commitment 36 USD',
      'commitment_unused 36 USD',
    ])
  })

  test.each<[string, CommittedRow[], Partial<typeof commitment>]>([
    ['without fees in the bill', used, {}],
    ['in another region', [...fees, ...used], { region: 'europe-west1' }],
    ['of a project that no bill names', [...fees, ...used], { accountId: 'other' }],
    [
      'of a project of two billing accounts',
      [...fees, ...used, row('N2 Instance Core running in Iowa', '1', '0', { payer: '02' })],
      {},
    ],
    [
      'of another series',
      [...fees, ...used],
      { configuration: { ...commitment.configuration, type: 'MEMORY_OPTIMIZED' } },
    ],
    [
      'of GPUs',
      [...fees, ...used],
      { configuration: { ...commitment.configuration, resources: [{ type: 'ACCELERATOR', amount: '1' }] } },
    ],
    [
      'beside covered usage of an unknown series',
      [...fees, ...used, row('Z9 Instance Core running in Iowa', '1', '0')],
      {},
    ],
    [
      'beside covered usage of an unknown quantity',
      [...fees, ...used, row('N2 Instance Core running in Iowa', null, '0')],
      {},
    ],
    [
      'beside usage in another unit',
      [...fees, ...used, row('N2 Instance Core running in Iowa', '1', '0', { unit: 'Days' })],
      {},
    ],
  ])('%s is not known', (_, rows, given) => {
    expect(committedUseOf(rows)({ ...commitment, ...given })).toBeUndefined()
  })

  test('of a GPU or a disk beside it changes nothing', () => {
    const others = [
      row('Commitment v1: Nvidia Tesla T4 GPU running in Iowa for 1 Year', '744', '9'),
      row('Nvidia Tesla T4 GPU attached to VMs in Iowa', null, '0'),
    ]
    const [with_, without] = [
      [...fees, ...used, ...others],
      [...fees, ...used],
    ].map((rows) => shown(committedUseOf(rows)(commitment)))
    expect(with_).toEqual(without)
  })
})

test('the unused parts of all commitments are those of the pool, however the usage and the rows are spread', () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 })
  const covered = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 5 })
  fc.assert(
    fc.property(amounts, covered, (cores, usage) => {
      const fee = 'Commitment v1: E2 Cpu in Iowa for 3 Years'
      const rows = [
        ...cores.map((count) => row(fee, String(count * 744), String(count * 10))),
        ...usage.map((quantity) => row('E2 Instance Core running in Iowa', String(quantity), '0')),
      ]
      const use = committedUseOf(rows)
      const [committed, all] = [cores, usage].map((counts) => counts.reduce((sum, count) => sum + count, 0))
      const unused = cores.map((count) => {
        const resources = [{ type: 'VCPU', amount: String(count) }]
        const configuration = { type: 'GENERAL_PURPOSE_E2', resources }
        const parts = use({ ...commitment, type: 'THIRTY_SIX_MONTH', configuration })?.cost.parts ?? []
        const costs = parts.map(({ cost }) => Money.parse(cost))
        expect(Money.toNumber(Money.sum(costs))).toBeCloseTo((count * 10 * 720) / 744, 8)
        expect(costs.every((cost) => cost.gte(0))).toBe(true)
        return costs[1] ?? Money.zero
      })
      const free = Math.max(0, (committed ?? 0) * 744 - (all ?? 0)) / 744
      expect(Money.toNumber(Money.sum(unused))).toBeCloseTo((free * 10 * 720) / 744, 8)
    }),
  )
})
