// Measures the rules on an inventory with 14 days of hourly metrics: `npm run bench:rules [-- resources ...]`.
// Each size runs in a process of its own, so that the peak of its memory is its own.
import { fork } from 'node:child_process'
import { Rules } from '../packages/core/src/index.ts'

const now = new Date('2026-11-01T06:00:00Z')
const hoursExpected = 14 * 24
const kinds = ['instance', 'instance', 'volume', 'volume', 'snapshot', 'database', 'load_balancer', 'address'] as const
const metricsOf = { instance: ['cpu', 'network_in', 'network_out'], database: ['cpu', 'connections'] } as const
const types = { instance: 'm5.2xlarge', database: 'db.m5.2xlarge', volume: 'gp2' } as const

/** Numbers in [0, 1) that are the same in each run. */
let state = 1
function random(): number {
  state = (state * 48_271) % 2_147_483_647
  return state / 2_147_483_647
}

function summaryOf(level: number): Rules.MetricSummary | undefined {
  const hours = Array.from({ length: hoursExpected }, () => {
    const average = level * random()
    return { average, maximum: average * (1 + random()) }
  })
  return Rules.summarize(hours, hoursExpected)
}

function subject(index: number): Rules.Subject {
  const kind = kinds[index % kinds.length] ?? 'instance'
  const metrics = kind === 'instance' || kind === 'database' ? metricsOf[kind] : []
  const utilization = Object.fromEntries(
    metrics.flatMap((metric) => {
      const summary = summaryOf(metric === 'cpu' ? 4 + 60 * random() : 1e8 * random())
      return summary ? [[metric, summary]] : []
    }),
  )
  const type = kind in types ? { type: types[kind as keyof typeof types] } : {}
  const attachedTo = kind === 'volume' && index % 3 > 0 ? { attachedTo: `instance-${index - 2}` } : {}
  return {
    id: `${kind}-${index}`,
    cloud: 'aws',
    accountId: `account-${index % 50}`,
    kind,
    ...type,
    ...attachedTo,
    status: kind === 'instance' || kind === 'database' ? 'running' : 'available',
    region: 'eu-central-1',
    createdAt: '2026-01-01T00:00:00.000Z',
    sizeGb: 100,
    tags: { team: 'blue' },
    configuration: { PlatformDetails: 'Linux/UNIX', Engine: 'postgres', EngineVersion: '16.4' },
    utilization,
    cost: { currency: 'USD', parts: [{ part: 'compute', cost: '100.123456789', quantity: '720' }] },
  }
}

function measure(count: number): void {
  const began = performance.now()
  const subjects = Array.from({ length: count }, (_, index) => subject(index))
  const judged = performance.now()
  const listed = { cloud: 'aws', region: 'eu-central-1', part: 'compute', currency: 'USD', asOf: '2026-10-01' } as const
  const book = Rules.priceBook([], [{ ...listed, sku: 'm5.xlarge', variant: 'Linux/UNIX', price: '0.23' }])
  const { recommendations, unknown } = Rules.recommend(subjects, { now, requiredTags: ['team'] }, { book })
  const ended = performance.now()
  const seconds = (ms: number) => (ms / 1000).toFixed(2)
  const peakMb = process.resourceUsage().maxRSS / 1024
  console.log(
    `${count} resources: made and summarized in ${seconds(judged - began)} s, judged in ${seconds(ended - judged)} s ` +
      `(${Math.round((count * 1000) / (ended - judged))} a second); ${recommendations.length} recommendations, ` +
      `${unknown.length} without enough data; peak memory ${peakMb.toFixed(0)} MB`,
  )
}

const sizes = process.argv.length > 2 ? process.argv.slice(2) : ['1000', '10000', '100000']
if (sizes.length === 1) measure(Number(sizes[0]))
else
  for (const count of sizes) {
    const child = fork(import.meta.filename, [count])
    const code = await new Promise((resolve) => child.on('close', resolve))
    if (code !== 0) throw new Error(`The benchmark of ${count} resources ended with code ${String(code)}.`)
  }
