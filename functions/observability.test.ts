import { globSync, readFileSync } from 'node:fs'
import middy from '@middy/core'
import type { Context as Invocation } from 'aws-lambda'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { countedBus, lambdaLog, measures, observed } from './observability.ts'

type Line = Record<string, unknown>

let lines: Line[] = []
beforeEach(() => {
  lines = []
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      for (const line of String(text).trim().split('\n')) lines.push(JSON.parse(line) as Line)
      return true
    })
})

const invocation = { functionName: 'bills-normalize', awsRequestId: 'r1', memoryLimitInMB: '512' } as Invocation
const event = { id: 'e1', name: 'mail.requested', orgId: 'org', at: '', data: { kind: 'invitation', to: 'x' } } as const

/** What an invocation prints: its log, and the metrics of its one EMF line. */
async function invoked(run: () => Promise<unknown>): Promise<{ log: Line[]; metrics: Line }> {
  await middy(run).use(observed())({}, invocation)
  const [metrics = {}, ...more] = lines.filter((line) => '_aws' in line)
  expect(more).toStrictEqual([])
  return { log: lines.filter((line) => !('_aws' in line)), metrics }
}

test('a line of the log names the function, and holds only fields of the allow list', async () => {
  vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1')
  onTestFinished(() => void vi.unstubAllEnvs())
  const { log } = await invoked(async () =>
    lambdaLog({ orgId: 'org' }).warn('refused', { password: 'canary', status: { token: 'canary' }, rows: 3 }),
  )
  expect(log).toMatchObject([
    {
      level: 'WARN',
      message: 'refused',
      service: 'cloudoptima',
      function_name: 'bills-normalize',
      function_request_id: 'r1',
      xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
      orgId: 'org',
      rows: 3,
      status: '[object]',
      omitted: ['password'],
    },
  ])
  expect(JSON.stringify(log)).not.toContain('canary')
})

test('metrics of an invocation are emitted once, by service and function', async () => {
  const { metrics } = await invoked(async () => {
    const log = lambdaLog()
    log.info('import ended', { outcome: 'committed', rows: 7 })
    log.info('import ended', { outcome: 'refused', rows: 0 })
    log.error('import failed', { importId: 'imp_1' })
    log.error('a message failed', { queue: 'ml' })
    for (const status of [200, 204, 404, 503]) log.info('request', { status, durationMs: 5 })
    await countedBus({ publish: async () => undefined }).publish(event)
  })
  expect(metrics).toMatchObject({
    service: 'cloudoptima',
    function: 'bills-normalize',
    ImportsCommitted: 1,
    RowsCommitted: 7,
    ImportsRefused: 1,
    ImportsFailed: 1,
    QueueFailures: 1,
    Requests2xx: [1, 1],
    Requests4xx: 1,
    Requests5xx: 1,
    EventsPublished: 1,
    RequestDurationMs: [5, 5, 5, 5],
  })
  const { CloudWatchMetrics } = metrics['_aws'] as {
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][] }[]
  }
  expect(CloudWatchMetrics.map(({ Namespace, Dimensions }) => [Namespace, Dimensions])).toStrictEqual([
    ['CloudOptima', [['service', 'function']]],
  ])
})

test('an invocation that fails is logged, its metrics are emitted, and its error reaches the caller', async () => {
  const failing = async () => {
    lambdaLog().error('import failed')
    throw new TypeError('boom')
  }
  const run = async () => await invoked(failing)
  await expect(run()).rejects.toThrow('boom')
  expect(lines).toMatchObject([
    { level: 'ERROR', message: 'import failed' },
    { level: 'ERROR', message: 'a task failed', function: 'bills-normalize', error: { name: 'TypeError' } },
    { ImportsFailed: 1, function: 'bills-normalize' },
  ])
})

test('an event that the bus refuses is not counted', async () => {
  const bus = countedBus({ publish: () => Promise.reject(new Error('away')) })
  const { metrics } = await invoked(async () => await bus.publish(event).catch(() => undefined))
  expect(metrics).toStrictEqual({})
})

test('every message that is measured is a message of the product', () => {
  const sources = globSync('packages/{core,api}/src/**/*.ts').map((path) => readFileSync(path, 'utf8'))
  const missing = Object.keys(measures).filter((message) => !sources.some((text) => text.includes(`('${message}'`)))
  expect(missing).toStrictEqual([])
})
