import { routes } from '@cloudoptima/api'
import { Cost, type Dimension, dimensions, Fault, type Filter } from '@cloudoptima/core'
import type * as z from 'zod'
import { withProduct, type CommonOptions } from '../options.ts'
import { print, printJson } from '../output.ts'
import { type OverviewOptions, overviewText } from '../overview.ts'

export interface CostsOptions extends CommonOptions, Omit<OverviewOptions, 'filters'> {
  filter?: string[]
}

export const filterNames = dimensions.filter((dimension) => dimension !== 'tag')

export async function costs({ data, json, filter = [], ...options }: CostsOptions): Promise<number> {
  const filters = filtersOf(filter)
  const { start: startDate, end: endDate, granularity, groupBy, tagKey, metric, currency, limit } = options
  if (groupBy === 'tag' && !tagKey)
    throw new Fault('invalid', '--group-by tag needs the key of the tag: --group-by tag --tag-key Team')
  return await withProduct(data, async ({ ctx }) => {
    if (json) {
      const given = { startDate, endDate, granularity, tagKey, metric, currency, filters, limit }
      printJson(onWire('costs.overview', await Cost.overview(ctx, { ...given, groupBy: apiGroupBy(groupBy) })))
    } else print(await overviewText(ctx, { ...options, filters }))
    return 0
  })
}

function apiGroupBy(dimension: Dimension): z.infer<typeof Cost.GroupBy> {
  const known = Cost.GroupBy.safeParse(dimension)
  if (known.success) return known.data
  const names = Cost.GroupBy.options.join(', ')
  throw new Fault('invalid', `--json groups by ${names}. Leave --json out to get a table by ${dimension}.`)
}

/** The answer as the operation of the API writes it. */
export function onWire(operation: string, answer: object): unknown {
  const route = routes.find(({ id }) => id === operation)
  if (!route) throw new Error(`The API has no ${operation}.`)
  return route.encode(answer)
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
  if (dimension) return { dimension, values: [] }
  const examples = 'Write --filter service="AWS Lambda" or --filter tag:Team=Search.'
  throw new Fault('invalid', `--filter ${text} is not a filter. ${examples} Dimensions: ${filterNames.join(', ')}.`)
}
