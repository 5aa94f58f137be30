import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { detect } from '../../detect.ts'
import { account, accessTo, type Asked, fakeAccount, type FakeAccount, refusal } from './testing.ts'

let server: FakeAccount | undefined
let folder = ''
afterEach(async () => {
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

interface Group {
  service: string
  owner?: string
  amounts: Record<string, string>
}

/** A page of Cost Explorer for one day. */
const page = (day: string, groups: Group[], NextPageToken?: string) => ({
  ResultsByTime: [
    {
      TimePeriod: { Start: day, End: day.replace(/\d\d$/, (date) => String(Number(date) + 1).padStart(2, '0')) },
      Groups: groups.map(({ service, owner = account, amounts }) => ({
        Keys: [service, owner],
        Metrics: Object.fromEntries(
          Object.entries(amounts).map(([metric, Amount]) => [metric, { Amount, Unit: 'USD' }]),
        ),
      })),
    },
  ],
  DimensionValueAttributes: [{ Value: '333333333333', Attributes: { description: 'Shop, "live"' } }],
  ...(NextPageToken !== undefined && { NextPageToken }),
})

async function collect(costs: (asked: Asked) => object | undefined, organization?: (asked: Asked) => object) {
  server = await fakeAccount((asked) => {
    if (asked.call === 'ce:GetCostAndUsage') return costs(asked)
    return organization && asked.call === 'organizations:DescribeOrganization' ? organization(asked) : undefined
  })
  const told = accessTo(server)
  const deliveries = await Array.fromAsync(told.aws.preliminary(told.access))
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-costs-'))
  const read = async (index: number) => {
    const [file] = (await deliveries[index]?.fetch(folder)) ?? []
    return (await readFile(file?.path ?? '', 'utf8')).trimEnd().split('\n')
  }
  return { ...told, deliveries, read }
}

test('the current and the previous month are delivered, once a day, without a paid call', async () => {
  const { deliveries, calls } = await collect(() => undefined)
  expect(deliveries.map(({ id, period, version }) => [id, period, version])).toEqual([
    ['cost-explorer/2026-11', '2026-11', '2026-11-28'],
    ['cost-explorer/2026-10', '2026-10', '2026-11-28'],
  ])
  expect(calls.filter(({ price }) => price !== undefined)).toEqual([])
})

test('all pages become one FOCUS file with the amounts of AWS to the last digit', async () => {
  const { read, calls } = await collect(({ input }) =>
    input['NextPageToken'] === undefined
      ? page(
          '2026-11-01',
          [
            {
              service: 'Amazon Elastic Compute Cloud - Compute',
              owner: '333333333333',
              amounts: { UnblendedCost: '12.3456789012', AmortizedCost: '11', NetAmortizedCost: '10.00000000009' },
            },
          ],
          'two',
        )
      : page('2026-11-02', [{ service: 'Tax', amounts: { UnblendedCost: '-0.0000000001', AmortizedCost: '1.2E-7' } }]),
  )
  const [header = '', ...rows] = await read(0)
  expect(detect(header.split(',')).at(-1)?.id).toBe('focus-1.0')
  const period = '2026-11-01T00:00:00Z,2026-12-01T00:00:00Z'
  expect(rows).toEqual([
    `12.3456789012,10.00000000009,USD,${account},${period},2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,Usage,AWS,AWS,` +
      'Amazon Elastic Compute Cloud - Compute,333333333333,"Shop, ""live"""',
    `-0.0000000001,1.2E-7,USD,${account},${period},2026-11-02T00:00:00Z,2026-11-03T00:00:00Z,Tax,AWS,AWS,` +
      `Tax,${account},`,
  ])
  const paid = calls.filter(({ api }) => api === 'ce:GetCostAndUsage')
  expect(paid.map(({ price }) => price)).toEqual(['0.01', '0.01'])
  expect(paid[0]?.limits).toEqual([{ name: `aws/${account}/ce`, most: 5, windowSeconds: 1 }])
})

test('asks for whole months by day, service and account', async () => {
  const { read } = await collect(() => page('2026-10-01', [{ service: 'S3', amounts: { UnblendedCost: '1' } }]))
  await read(1)
  expect(server?.asked.at(-1)?.input).toEqual({
    TimePeriod: { Start: '2026-10-01', End: '2026-11-01' },
    Granularity: 'DAILY',
    GroupBy: [
      { Type: 'DIMENSION', Key: 'SERVICE' },
      { Type: 'DIMENSION', Key: 'LINKED_ACCOUNT' },
    ],
    Metrics: ['UnblendedCost', 'AmortizedCost', 'NetAmortizedCost'],
  })
})

test('a month without costs is no delivery', async () => {
  const { deliveries } = await collect(() => page('2026-11-01', []))
  await expect(deliveries[0]?.fetch(folder)).rejects.toMatchObject({ code: 'conflict' })
})

test.each<[string, ((asked: Asked) => object) | undefined, string, string[]]>([
  ['the management account', () => ({ Organization: { MasterAccountId: '999999999999' } }), '999999999999', []],
  ['itself without an organization', (asked) => refusal(asked, 'AWSOrganizationsNotInUseException', 400), account, []],
  [
    'itself, reported, if it may not be known',
    (asked) => refusal(asked, 'AccessDeniedException', 400),
    account,
    ['permission_missing'],
  ],
])('the payer of an account is %s', async (_, organization, payerId, reported) => {
  const { deliveries, problems, read } = await collect(
    () => page('2026-11-01', [{ service: 'S3', amounts: { UnblendedCost: '1' } }]),
    organization,
  )
  expect(deliveries.map(({ preliminary }) => preliminary)).toEqual(
    deliveries.map(() => ({ accountId: account, payerId })),
  )
  expect(deliveries).toHaveLength(2)
  expect(problems.map(({ state }) => state)).toEqual(reported)
  // Costs of a member never look like the bill of its payer.
  expect((await read(0))[1]?.split(',')[3]).toBe(account)
})
