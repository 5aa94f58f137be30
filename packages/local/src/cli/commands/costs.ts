import { routes } from '@cloudoptima/api'
import { type Calendar, Cost, type Dimension, dimensions, Fault, type Filter, type Metric } from '@cloudoptima/core'
import type * as z from 'zod'
import { withProduct } from '../open.ts'
import { overviewText } from '../overview.ts'

export interface CostsOptions {
  data: string
  start?: string
  end?: string
  granularity: Calendar.Granularity
  groupBy: Dimension
  tagKey?: string
  metric: Metric
  currency?: string
  filter?: string[]
  limit: number
  json?: boolean
}

export const filterNames = dimensions.filter((dimension) => dimension !== 'tag')

/** Prints costs by dimension: a table, or with --json the answer of the API. */
export async function costs(options: CostsOptions): Promise<number> {
  const filters = filtersOf(options.filter ?? [])
  if (options.groupBy === 'tag' && !options.tagKey)
    throw new Fault('invalid', '--group-by tag needs the key of the tag: --group-by tag --tag-key Team')
  const { data, start, end, granularity, groupBy, tagKey, metric, currency, limit } = options
  return await withProduct(data, async (product) => {
    if (!options.json) {
      const text = await overviewText(product.ctx, {
        start,
        end,
        granularity,
        groupBy,
        tagKey,
        metric,
        currency,
        filters,
        limit,
      })
      process.stdout.write(`${text}\n`)
      return 0
    }
    const input = {
      granularity,
      groupBy: apiGroupBy(groupBy),
      metric,
      filters,
      limit,
      ...given({ startDate: start, endDate: end, tagKey, currency }),
    }
    process.stdout.write(`${JSON.stringify(onWire(await Cost.overview(product.ctx, input)))}\n`)
    return 0
  })
}

function apiGroupBy(dimension: Dimension): z.infer<typeof Cost.GroupBy> {
  const known = Cost.GroupBy.safeParse(dimension)
  if (known.success) return known.data
  const names = Cost.GroupBy.options.join(', ')
  throw new Fault('invalid', `--json groups by ${names}. Leave --json out to get a table by ${dimension}.`)
}

function onWire(answer: object): unknown {
  const route = routes.find(({ id }) => id === 'costs.overview')
  if (!route) throw new Error('The API has no costs.overview.')
  return route.encode(answer)
}

function given<Fields extends Record<string, string | undefined>>(fields: Fields): { [Name in keyof Fields]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: string
  }
}

/** Parses `service=AWS Lambda` and `tag:Team=Search`; a repeated dimension adds a value. */
export function filtersOf(texts: readonly string[]): Filter[] {
  const filters = new Map<string, Filter>()
  for (const text of texts) {
    const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
    const filter = filters.get(name) ?? emptyFilter(name, text)
    filters.set(name, { ...filter, values: [...filter.values, value] })
  }
  return [...filters.values()]
}

function emptyFilter(name: string, text: string): Filter {
  if (name.startsWith('tag:') && name.length > 4) return { dimension: 'tag', tagKey: name.slice(4), values: [] }
  const dimension = filterNames.find((known) => known === name)
  if (!dimension)
    throw new Fault(
      'invalid',
      `--filter ${text} is not a filter. Write --filter service="AWS Lambda" or --filter tag:Team=Search. Dimensions: ${filterNames.join(', ')}.`,
    )
  return { dimension, values: [] }
}
