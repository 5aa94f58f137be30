import type { Measurement, UtilizationQuestion } from '@cloudoptima/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { accessTo, type Asked, fakeAccount, type FakeAccount, refusal } from './testing.ts'

let server: FakeAccount | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

type Resources = UtilizationQuestion['resources']
interface Query {
  Id: string
  MetricStat: {
    Metric: { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: string }[] }
    Stat: string
    Period: number
  }
}

const queriesOf = ({ input }: Asked) => input['MetricDataQueries'] as Query[]
const hour = (number: number) => new Date(Date.UTC(2026, 10, 27, number))
const instance = (id: string, region = 'eu-west-1') => ({ id, kind: 'instance', region, configuration: {} }) as const

async function measure(
  resources: Resources,
  data: (asked: Asked) => object | undefined,
  listed: (asked: Asked) => object | undefined = () => undefined,
) {
  server = await fakeAccount((asked) => (asked.call === 'cloudwatch:GetMetricData' ? data(asked) : listed(asked)))
  const told = accessTo(server)
  const batches = await Array.fromAsync(told.aws.utilization(told.access, { day: '2026-11-27', resources }))
  return { ...told, batches, measured: batches.flat() }
}

/** Each query has these values from midnight on. */
const complete =
  (valuesOf: (query: Query['MetricStat']) => number[] | undefined) =>
  (asked: Asked): object => ({
    MetricDataResults: queriesOf(asked).map(({ Id, MetricStat }) => {
      const Values = valuesOf(MetricStat) ?? []
      return { Id, StatusCode: 'Complete', Timestamps: Values.map((_, index) => hour(index)), Values }
    }),
  })

const short = (measured: Measurement[]) =>
  measured.map(({ metric, hour, average, maximum }) => [metric, hour.slice(11, 13), average, maximum])

test('each hour of a level has its average and maximum, of a sum its sum', async () => {
  const { measured, calls } = await measure(
    [instance('i-1')],
    complete(({ Metric: { MetricName }, Stat }) => {
      if (MetricName === 'CPUUtilization') return Stat === 'Average' ? [1.5, 2.5] : [10, 20]
      return MetricName === 'NetworkIn' ? [1e12] : undefined
    }),
  )
  expect(measured[0]).toEqual({
    resourceId: 'i-1',
    metric: 'cpu',
    hour: '2026-11-27T00:00:00.000Z',
    average: 1.5,
    maximum: 10,
  })
  expect(short(measured)).toEqual([
    ['cpu', '00', 1.5, 10],
    ['cpu', '01', 2.5, 20],
    ['network_in', '00', 1e12, 1e12],
  ])
  expect(calls.find(({ api }) => api === 'cloudwatch:GetMetricData')?.price).toBe('0.00004')
  const [asked] = server?.asked.filter(({ call }) => call === 'cloudwatch:GetMetricData') ?? []
  expect(asked?.input).toMatchObject({ StartTime: hour(0).getTime() / 1000, EndTime: hour(24).getTime() / 1000 })
})

test.each<[string, Resources[number], string, Record<string, string>, [string, number][]]>([
  [
    'reads and writes of a volume are added',
    { id: 'vol-1', kind: 'volume', region: 'eu-west-1', configuration: {} },
    'AWS/EBS',
    { VolumeId: 'vol-1' },
    [
      ['disk_read', 1],
      ['disk_write', 1],
      ['disk_operations', 2],
    ],
  ],
  [
    'a database is named by its identifier',
    { id: 'arn:db', kind: 'database', region: 'eu-west-1', configuration: { DBInstanceIdentifier: 'shop' } },
    'AWS/RDS',
    { DBInstanceIdentifier: 'shop' },
    [
      ['cpu', 1],
      ['connections', 1],
    ],
  ],
  [
    'of a database of a known class, the free memory becomes the memory in use',
    {
      id: 'arn:db',
      kind: 'database',
      region: 'eu-west-1',
      type: 'db.m5.large',
      configuration: { DBInstanceIdentifier: 'shop' },
    },
    'AWS/RDS',
    { DBInstanceIdentifier: 'shop' },
    [
      ['cpu', 1],
      ['memory', 100 * (1 - 1 / (8 * 1024 ** 3))],
      ['connections', 1],
    ],
  ],
  [
    'an application load balancer is named by the end of its ARN',
    {
      id: 'arn:aws:elasticloadbalancing:eu-west-1:222222222222:loadbalancer/app/shop/50dc6c495c0c9188',
      kind: 'load_balancer',
      region: 'eu-west-1',
      configuration: {},
    },
    'AWS/ApplicationELB',
    { LoadBalancer: 'app/shop/50dc6c495c0c9188' },
    [
      ['requests', 1],
      ['connections', 1],
      ['errors', 1],
    ],
  ],
  [
    'an ECS service is named by its cluster and its name',
    {
      id: 'arn:s',
      kind: 'container_service',
      region: 'eu-west-1',
      configuration: { clusterArn: 'arn:aws:ecs:eu-west-1:222222222222:cluster/shop', serviceName: 'web' },
    },
    'AWS/ECS',
    { ClusterName: 'shop', ServiceName: 'web' },
    [
      ['cpu', 1],
      ['memory', 1],
    ],
  ],
  [
    'an EKS cluster has the shares of its nodes that are in use and reserved',
    {
      id: 'arn:aws:eks:eu-west-1:222222222222:cluster/shop',
      kind: 'cluster',
      region: 'eu-west-1',
      type: 'eks',
      configuration: {},
    },
    'ContainerInsights',
    { ClusterName: 'shop' },
    [
      ['cpu', 1],
      ['memory', 1],
      ['cpu_reserved', 1],
      ['memory_reserved', 1],
    ],
  ],
  [
    'a function has requests, errors and their time',
    { id: 'arn:f', kind: 'function', region: 'eu-west-1', configuration: { FunctionName: 'f' } },
    'AWS/Lambda',
    { FunctionName: 'f' },
    [
      ['requests', 1],
      ['errors', 1],
      ['duration', 1],
    ],
  ],
])('%s', async (_, resource, namespace, dimensions, expected) => {
  const { measured } = await measure(
    [resource],
    complete(() => [1]),
  )
  expect(measured.map(({ metric, average }) => [metric, average])).toEqual(expected)
  const [asked] = server?.asked.filter(({ call }) => call === 'cloudwatch:GetMetricData') ?? []
  for (const { MetricStat } of asked ? queriesOf(asked) : []) {
    expect(MetricStat).toMatchObject({ Period: 3600, Metric: { Namespace: namespace } })
    expect(Object.fromEntries(MetricStat.Metric.Dimensions.map(({ Name, Value }) => [Name, Value]))).toEqual(dimensions)
  }
})

test("the agent's memory and fullest disk are measured where the agent runs", async () => {
  const agent = (MetricName: string, InstanceId: string, more: Record<string, string> = {}) => ({
    Namespace: 'CWAgent',
    MetricName,
    Dimensions: Object.entries({ InstanceId, ...more }).map(([Name, Value]) => ({ Name, Value })),
  })
  const { measured } = await measure(
    [instance('i-1')],
    complete(({ Metric: { MetricName, Dimensions } }) => {
      if (MetricName === 'mem_used_percent') return [40]
      const path = Dimensions.find(({ Name }) => Name === 'path')?.Value
      return MetricName === 'disk_used_percent' ? [path === '/' ? 30 : 80] : undefined
    }),
    ({ call, input }) =>
      call === 'cloudwatch:ListMetrics' && input['Namespace'] === 'CWAgent'
        ? {
            Metrics: [
              agent('mem_used_percent', 'i-1'),
              agent('mem_used_percent', 'i-of-somebody-else'),
              agent('disk_used_percent', 'i-1', { path: '/', fstype: 'xfs' }),
              agent('disk_used_percent', 'i-1', { path: '/var', fstype: 'xfs' }),
              agent('disk_used_percent', 'i-1', { path: '/run', fstype: 'tmpfs' }),
              agent('swap_used_percent', 'i-1'),
            ],
          }
        : undefined,
  )
  expect(short(measured)).toEqual([
    ['memory', '00', 40, 40],
    ['disk', '00', 80, 80],
  ])
})

test('the least free memory of an hour is the highest use, and never below 0', async () => {
  const database = {
    id: 'arn:db',
    kind: 'database',
    region: 'eu-west-1',
    type: 'db.r5.large',
    configuration: { DBInstanceIdentifier: 'shop' },
  } as const
  const { measured } = await measure(
    [database],
    complete(({ Metric: { MetricName }, Stat }) => {
      if (MetricName !== 'FreeableMemory') return undefined
      return Stat === 'Minimum' ? [4 * 1024 ** 3, 17 * 1024 ** 3] : [8 * 1024 ** 3, 17 * 1024 ** 3]
    }),
  )
  expect(short(measured)).toEqual([
    ['memory', '00', 50, 75],
    ['memory', '01', 0, 0],
  ])
})

test('memory and CPU time of a function are measured where Lambda Insights runs, over all versions', async () => {
  const asFunction = (name: string) =>
    ({ id: `arn:${name}`, kind: 'function', region: 'eu-west-1', configuration: { FunctionName: name } }) as const
  const insights = (MetricName: string, ...names: string[]) => ({
    Namespace: 'LambdaInsights',
    MetricName,
    Dimensions: names.map((Value, index) => ({ Name: index === 0 ? 'function_name' : 'version', Value })),
  })
  const { measured } = await measure(
    [asFunction('f'), asFunction('g'), { ...asFunction('h'), configuration: {} }],
    complete(({ Metric: { MetricName }, Stat }) => {
      if (MetricName === 'used_memory_max') return Stat === 'Average' ? [60] : [64]
      return MetricName === 'cpu_total_time' ? [300] : undefined
    }),
    ({ call, input }) =>
      call === 'cloudwatch:ListMetrics' && input['Namespace'] === 'LambdaInsights'
        ? {
            Metrics: [
              insights('used_memory_max', 'f'),
              insights('used_memory_max', 'f', '7'),
              insights('used_memory_max', 'of-somebody-else'),
              insights('used_memory_max'),
              insights('cpu_total_time', 'f'),
              insights('cpu_total_time', 'f', '7'),
            ],
          }
        : undefined,
  )
  expect(measured.map(({ resourceId }) => resourceId)).toEqual(['arn:f', 'arn:f'])
  expect(short(measured)).toEqual([
    ['memory_used', '00', 60 * 1024 ** 2, 64 * 1024 ** 2],
    ['cpu_time', '00', 300, 300],
  ])
})

test('of a Classic Load Balancer, AWS reports requests above 0 only: the other hours since its creation are 0', async () => {
  const id = 'arn:aws:elasticloadbalancing:eu-west-1:222222222222:loadbalancer/old'
  const configuration = { LoadBalancerName: 'old', CreatedTime: '2026-11-27T20:30:00.000Z' }
  const balancer = { id, kind: 'load_balancer', region: 'eu-west-1', type: 'classic', configuration } as const
  const silent = { ...balancer, id: `${id}-silent`, configuration: { LoadBalancerName: 'old-silent' } }
  const { measured } = await measure([balancer, silent], (asked) => ({
    MetricDataResults: queriesOf(asked).map(({ Id, MetricStat: { Metric } }) => {
      expect(Metric.Namespace).toBe('AWS/ELB')
      const isOld = Metric.MetricName === 'RequestCount' && Metric.Dimensions[0]?.Value === 'old'
      return { Id, StatusCode: 'Complete', Timestamps: isOld ? [hour(22)] : [], Values: isOld ? [7] : [] }
    }),
  }))
  expect(measured.filter(({ resourceId }) => resourceId !== id)).toEqual([])
  expect(short(measured.filter(({ metric }) => metric === 'requests')).toSorted()).toEqual([
    ['requests', '21', 0, 0],
    ['requests', '22', 7, 7],
    ['requests', '23', 0, 0],
  ])
})

test('a table that nobody uses has no values in CloudWatch: each hour since its creation is 0', async () => {
  const configuration = { TableName: 'orders', CreationDateTime: '2026-11-27T22:00:00.000Z' }
  const { measured } = await measure(
    [{ id: 'arn:t', kind: 'table', region: 'eu-west-1', configuration }],
    complete(() => []),
  )
  expect(short(measured)).toEqual([
    ['requests', '22', 0, 0],
    ['requests', '23', 0, 0],
  ])
})

test('an hour that has not ended is not silent', async () => {
  const configuration = { LoadBalancerName: 'old', CreatedTime: '2026-01-01T00:00:00.000Z' }
  const balancer = {
    id: 'arn:old',
    kind: 'load_balancer',
    region: 'eu-west-1',
    type: 'classic',
    configuration,
  } as const
  const { aws, access } = await measure(
    [],
    complete(() => []),
  )
  const batches = await Array.fromAsync(aws.utilization(access, { day: '2026-11-28', resources: [balancer] }))
  const hours = batches.flat().map((one) => one.hour.slice(11, 13))
  expect([new Set(hours).size, hours.toSorted().at(-1)]).toEqual([12, '11'])
})

test('average and maximum of a metric are never in two requests', async () => {
  const instances = Array.from({ length: 130 }, (_, index) => instance(`i-${index}`))
  // Its three queries make the average of an instance the 500th.
  const id = 'arn:aws:elasticloadbalancing:eu-west-1:222222222222:loadbalancer/app/shop/1'
  const balancer = { id, kind: 'load_balancer', region: 'eu-west-1', configuration: {} } as const
  const { measured } = await measure(
    [balancer, ...instances],
    complete(() => [1]),
  )
  expect(measured).toHaveLength(3 + 130 * 3)
  expect(measured.filter(({ average, maximum }) => average !== 1 || maximum !== 1)).toEqual([])
  const asked = server?.asked.filter(({ call }) => call === 'cloudwatch:GetMetricData') ?? []
  expect(asked.map((each) => queriesOf(each).length)).toEqual([499, 24])
})

test('regions are asked apart, in full batches of 500', async () => {
  const many = Array.from({ length: 200 }, (_, index) => instance(`i-${index}`))
  const { measured } = await measure(
    [...many, instance('i-us', 'us-east-1')],
    complete(() => [1]),
  )
  const asked = server?.asked.filter(({ call }) => call === 'cloudwatch:GetMetricData') ?? []
  const sizes = asked.map((each) => [each.region, queriesOf(each).length])
  expect(sizes.toSorted()).toEqual([
    ['eu-west-1', 300],
    ['eu-west-1', 500],
    ['us-east-1', 4],
  ])
  expect(new Set(measured.map(({ resourceId, metric }) => `${resourceId} ${metric}`)).size).toBe(201 * 3)
  expect(measured).toHaveLength(201 * 3)
})

describe('a series', () => {
  const cpuOnly = (asked: Asked, results: (query: Query) => object[]) =>
    queriesOf(asked).flatMap((query) =>
      query.MetricStat.Metric.MetricName === 'CPUUtilization'
        ? results(query)
        : [{ Id: query.Id, StatusCode: 'Complete', Timestamps: [], Values: [] }],
    )

  test('that continues on the next page is whole', async () => {
    const { measured, problems } = await measure([instance('i-1')], (asked) => {
      const isSecond = asked.input['NextToken'] === 'more'
      const MetricDataResults = cpuOnly(asked, ({ Id }) => [
        {
          Id,
          StatusCode: isSecond ? 'Complete' : 'PartialData',
          Timestamps: [hour(isSecond ? 1 : 0)],
          Values: [isSecond ? 2 : 1],
        },
      ])
      return { MetricDataResults, ...(!isSecond && { NextToken: 'more' }) }
    })
    expect(short(measured)).toEqual([
      ['cpu', '00', 1, 1],
      ['cpu', '01', 2, 2],
    ])
    expect(problems).toEqual([])
  })

  test.each(['InternalError', 'PartialData'])('that ends in %s is asked again, and counts once', async (status) => {
    let requests = 0
    const { measured, problems, calls } = await measure([instance('i-1')], (asked) => {
      const StatusCode = requests++ === 0 ? status : 'Complete'
      return {
        MetricDataResults: cpuOnly(asked, ({ Id }) => [{ Id, StatusCode, Timestamps: [hour(0)], Values: [7] }]),
      }
    })
    expect(short(measured)).toEqual([['cpu', '00', 7, 7]])
    expect(problems).toEqual([])
    expect(calls.flatMap(({ price }) => price ?? [])).toEqual(['0.00004', '0.00002'])
  })

  test('with an average but no maximum is unknown', async () => {
    const { measured } = await measure(
      [instance('i-1')],
      complete(({ Metric: { MetricName }, Stat }) =>
        MetricName === 'CPUUtilization' && Stat === 'Average' ? [1] : undefined,
      ),
    )
    expect(measured).toEqual([])
  })

  test('that fails twice is reported', async () => {
    const { problems } = await measure([instance('i-1')], (asked) => ({
      MetricDataResults: cpuOnly(asked, ({ Id }) => [{ Id, StatusCode: 'InternalError' }]),
    }))
    expect(problems).toMatchObject([{ state: 'unavailable', part: 'cloudwatch:metrics/eu-west-1' }])
  })
})

test('a region that refuses is reported, and the others are measured', async () => {
  const { measured, problems } = await measure([instance('i-1'), instance('i-us', 'us-east-1')], (asked) =>
    asked.region === 'us-east-1' ? refusal(asked, 'AccessDenied', 403) : complete(() => [1])(asked),
  )
  expect(new Set(measured.map(({ resourceId }) => resourceId))).toEqual(new Set(['i-1']))
  expect(problems).toMatchObject([
    {
      state: 'permission_missing',
      part: 'cloudwatch:metrics/us-east-1',
      message: expect.stringContaining('cloudwatch:GetMetricData'),
    },
  ])
})

test('no hour is lost or counted twice, however CloudWatch cuts its pages and fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.constantFrom('none', 'error', 'InternalError'), { maxLength: 2 }),
      async (hours, pages, planned) => {
        const faults = [...planned]
        const { measured, problems } = await measure([instance('i-1')], (asked) => {
          const page = Number(asked.input['NextToken'] ?? 0)
          const fault = faults.shift()
          if (fault === 'error') return refusal(asked, 'InternalServiceFault', 500)
          const own = Array.from({ length: hours }, (_, index) => index).filter((index) => index % pages === page)
          const isLast = page + 1 === pages
          const StatusCode = isLast ? 'Complete' : 'PartialData'
          const MetricDataResults = queriesOf(asked).map(({ Id }) =>
            fault === 'InternalError' && isLast
              ? { Id, StatusCode: fault }
              : { Id, StatusCode, Timestamps: own.map(hour), Values: own },
          )
          return { MetricDataResults, ...(!isLast && { NextToken: String(page + 1) }) }
        })
        await server?.close()
        // A series that fails twice is reported: nothing of it may be made up.
        if (problems.length > 0) {
          expect(planned).toEqual(['InternalError', 'InternalError'])
          expect(problems).toMatchObject([{ state: 'unavailable' }])
          expect(measured).toEqual([])
          return
        }
        const cpu = measured.filter(({ metric }) => metric === 'cpu').toSorted((a, b) => a.average - b.average)
        expect(cpu.map(({ average, maximum }) => [average, maximum])).toEqual(
          Array.from({ length: hours }, (_, index) => [index, index]),
        )
        expect(measured).toHaveLength(3 * hours)
      },
    ),
    { numRuns: 15, examples: [[1, 1, ['InternalError', 'InternalError']]] },
  )
})
