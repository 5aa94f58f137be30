// The run cost of the product per cloud account and month: `npm run cost-model`. Fails above the limit.
import { createHash } from 'node:crypto'
import { copyFile } from 'node:fs/promises'
import {
  CloudAccounts,
  Collect,
  type Context,
  type InventoryPart,
  type Measurement,
  planSources,
  type Resource,
  type Queue,
  Source,
} from '@cloudoptima/core'
import { type MemoryRuntime, memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { eachTable, wrapped } from '../packages/core/src/testing/processes.ts'
import { wiring } from '../packages/core/src/wiring/wiring.ts'

/** USD, us-east-1, on demand, without free tiers: https://aws.amazon.com/lambda/pricing/ and the same page of each service. */
const price = {
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  queueRequest: 0.4e-6,
  event: 1e-6,
  put: 5e-6,
  storedGbMonth: 0.023,
}

const limitUsd = 0.1
const daysOfMonth = 365 / 12

/** A typical account: what it has, and how its cloud behaves. */
const account = {
  resources: 60,
  measuredResources: 20,
  /** Calls of one look at an export, of an inventory of two regions, and of a day's metrics. */
  calls: { bills: 4, costs: 2, inventory: 60, utilization: 4 } satisfies Record<Source.Kind, number>,
  /** Concurrent calls of a collector. */
  atOnce: { bills: 1, costs: 1, inventory: 16, utilization: 4 } satisfies Record<Source.Kind, number>,
  /** Milliseconds from a Lambda function to an API of a cloud in the same country. */
  callMs: 80,
  /** Accounts that one bill covers: those of an AWS organization or an Azure billing account. */
  perBill: 10,
  /** Exports are refreshed about three times a day; a month has two days in which the last month is final. */
  restatementsPerDay: 3,
  /** Hours of a day in which something in the inventory changes. */
  changedHours: 8,
}

interface Count {
  reads: number
  writes: number
  messages: number
  events: number
  puts: number
  cpuMs: number
}

const none = (): Count => ({ reads: 0, writes: 0, messages: 0, events: 0, puts: 0, cpuMs: 0 })

let count = none()
/** The indexed fields of each item, as DynamoDB last wrote them. */
const indexed = new Map<string, string>()

/** Units of DynamoDB: 1 KB of a write, 4 KB of a consistent read, and two writes for a changed key of an index. */
function counted(runtime: MemoryRuntime): MemoryRuntime {
  const sizeOf = (item: unknown) => Buffer.byteLength(JSON.stringify(item ?? {})) + 200
  const tables = eachTable(runtime.tables, (table, noun) =>
    wrapped(table, async (verb, call, [orgId, item]) => {
      const answer = await call()
      if (['insert', 'put', 'replace', 'rewrite', 'acknowledge', 'remove'].includes(verb)) {
        const { id = String(item), status, dueAt } = (typeof item === 'object' ? item : {}) as Record<string, string>
        const [key, now] = [`${noun}/${String(orgId)}/${id}`, `${status}/${dueAt}`]
        const isMoved = typeof item === 'object' && indexed.get(key) !== now && now !== 'undefined/undefined'
        indexed.set(key, now)
        count.writes += Math.ceil(sizeOf(item) / 1024) + (isMoved ? 2 : 0)
      } else if (['get', 'read'].includes(verb)) count.reads += Math.ceil(sizeOf(answer) / 4096)
      else if (['list', 'all', 'select', 'due', 'ids', 'byStatus'].includes(verb))
        count.reads += Math.ceil(sizeOf(answer) / 4096)
      return answer
    }),
  )
  return {
    ...runtime,
    tables,
    bus: { publish: async () => void count.events++ },
    queues: {
      ...runtime.queues,
      async send(...given) {
        count.messages++
        await runtime.queues.send(...given)
      },
    },
    blobs: {
      ...runtime.blobs,
      async putFile(...given) {
        count.puts++
        await runtime.blobs.putFile(...given)
      },
    },
  }
}

async function* nothing(): AsyncGenerator<never> {
  yield* []
}

/** The cloud of the account: its inventory changes from hour to hour as `state` says. */
function cloudOf(state: { hour: number }): MemoryRuntime['cloud'] {
  const resource = (n: number): Resource => ({
    id: `i-${createHash('sha256').update(String(n)).digest('hex').slice(0, 17)}`,
    kind: 'instance',
    name: `web-${n}`,
    type: 'm7g.large',
    status: n === 0 && state.hour % 24 < account.changedHours ? `state-${state.hour}` : 'running',
    region: n % 2 === 0 ? 'eu-west-1' : 'us-east-1',
    tags: { team: 'checkout', environment: 'production' },
    configuration: { EbsOptimized: true, VpcId: 'vpc-0123456789abcdef0', ImageId: 'ami-0123456789abcdef0' },
  })
  const all = Array.from({ length: account.resources }, (_, n) => resource(n))
  return {
    bills: nothing,
    preliminary: nothing,
    async *inventory({ meter }): AsyncGenerator<InventoryPart> {
      for (let n = 0; n < account.calls.inventory; n++) await meter.take({ api: `ec2:Describe${n % 20}` })
      yield { part: 'ec2:instances/eu-west-1', resources: all.map((_, n) => resource(n)) }
    },
    async *utilization({ meter }): AsyncGenerator<Measurement[]> {
      for (let n = 0; n < account.calls.utilization; n++) await meter.take({ api: 'cloudwatch:GetMetricData' })
      for (const { id } of all.slice(0, account.measuredResources))
        yield Array.from({ length: 24 }, (_, hour) => ({
          resourceId: id,
          hour: `2026-11-27T${String(hour).padStart(2, '0')}:00:00.000Z`,
          metric: 'cpu' as const,
          average: hour + state.hour,
          maximum: hour,
        }))
    },
    // Once a week, and from a public file.
    prices: nothing,
  }
}

/** What one look of each kind takes, on average over two days; the first day is not counted. */
async function measure(): Promise<Record<Source.Kind, Count>> {
  const state = { hour: 0 }
  let ms = Date.parse('2026-11-26T00:00:00Z')
  const memory = memoryRuntime(() => ({
    async writeRows(_, { source, path }) {
      await copyFile(source, path)
      return account.resources
    },
    query: async () => [],
  }))
  memory.cloud = cloudOf(state)
  const runtime = { ...counted(memory), lake: memory.lake }
  const ctx: Context = testContext(runtime, { now: () => new Date(ms) })
  const { externalId } = await CloudAccounts.setupAws(ctx, {})
  const { id } = await CloudAccounts.connectAws(ctx, { roleArn: 'arn:aws:iam::111111111111:role/Read', externalId })
  await planSources(ctx, id)
  for (const { data } of memory.sent.splice(0)) await Collect.run(ctx, Collect.Input.parse(data))
  const measured: Record<Source.Kind, Count> = { bills: none(), costs: none(), inventory: none(), utilization: none() }
  const rounds = 48
  for (const kind of Source.kinds)
    for (let round = 0; round < rounds; round++) {
      ms += 3600_000
      state.hour++
      count = none()
      await Source.request(ctx, Source.idOf(id, kind), () => true)
      const cpu = process.cpuUsage()
      for (const { data } of memory.sent.splice(0)) await Collect.run(ctx, Collect.Input.parse(data))
      const { user, system } = process.cpuUsage(cpu)
      count.cpuMs = (user + system) / 1000
      for (const [name, value] of Object.entries(count)) measured[kind][name as keyof Count] += value / rounds
    }
  return measured
}

const looksPerMonth: Record<Source.Kind, number> = {
  bills:
    (daysOfMonth * 24 * 60) / Source.freshness.bills / account.perBill + daysOfMonth * 24 * (1 - 1 / account.perBill),
  costs: daysOfMonth,
  inventory: (daysOfMonth * 24 * 60) / Source.freshness.inventory,
  utilization: (daysOfMonth * 24 * 60) / Source.freshness.utilization,
}

function memoryOf(kind: Source.Kind): number {
  const queue: Queue = wiring.queues[Source.queueOf({ provider: 'aws', kind })]
  return queue.consumer?.memoryMb ?? 512
}

// A function has one processor for each 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const processorMb = 1769
// About eight calls to DynamoDB, one after the other.
const tablesMs = 8 * 8
/** Of DuckDB, which reads and writes Parquet, by `npx vitest run packages/lake/src/resources.test.ts`. */
const parquetMs = 150

function gbSeconds(kind: Source.Kind, { cpuMs, puts }: Count): number {
  const memoryMb = memoryOf(kind)
  const cpu = (cpuMs + puts * parquetMs) * Math.max(1, processorMb / memoryMb)
  const waiting = Math.ceil(account.calls[kind] / account.atOnce[kind]) * account.callMs + tablesMs
  return ((cpu + waiting) / 1000) * (memoryMb / 1024)
}

/** Seconds, memory and transitions of a bill of a month, by `npm run bench:growth` and the workflow's definition. */
const bill = { seconds: 8, gb: 3008 / 1024, transitions: 9, transitionUsd: 25e-6, writes: 60, puts: 12 }

function usdOf(kind: Source.Kind, one: Count): number {
  const look =
    gbSeconds(kind, one) * price.lambdaGbSecond +
    price.lambdaRequest +
    one.writes * price.writeUnit +
    one.reads * price.readUnit +
    // Sent, received and deleted.
    one.messages * price.queueRequest * 3 +
    one.events * price.event +
    one.puts * price.put
  return look * looksPerMonth[kind]
}

function billsUsd(): number {
  const each =
    bill.seconds * bill.gb * price.lambdaGbSecond +
    bill.transitions * bill.transitionUsd +
    bill.writes * price.writeUnit +
    bill.puts * price.put
  return (each * (account.restatementsPerDay * daysOfMonth + 6)) / account.perBill
}

const measured = await measure()
const lines: [string, number][] = [
  ...Source.kinds.map((kind): [string, number] => [`looks at ${kind}`, usdOf(kind, measured[kind])]),
  ['bills into the lake', billsUsd()],
  ['storage, 1 GB of 13 months for each bill', price.storedGbMonth / account.perBill],
]
const total = lines.reduce((sum, [, usd]) => sum + usd, 0)
for (const kind of Source.kinds) {
  const { reads, writes, cpuMs, messages, puts } = measured[kind]
  const seconds = gbSeconds(kind, measured[kind])
  process.stdout.write(
    `${kind.padEnd(12)} ${looksPerMonth[kind].toFixed(0).padStart(6)} looks a month, each ${writes.toFixed(1)} write and ` +
      `${reads.toFixed(1)} read units, ${messages.toFixed(0)} message, ${puts.toFixed(1)} puts, ${cpuMs.toFixed(0)} ms CPU, ${seconds.toFixed(3)} GB-s\n`,
  )
}
for (const [name, usd] of lines) process.stdout.write(`${name.padEnd(42)} $${usd.toFixed(4)}\n`)
process.stdout.write(
  `${'per cloud account and month'.padEnd(42)} $${total.toFixed(4)}, limit $${limitUsd.toFixed(2)}\n`,
)
process.exitCode = total <= limitUsd ? 0 : 1
