import * as z from 'zod'
import { Time } from '../kernel/calendar.ts'
import { isKnownCloud, isOfCloud, clouds } from '../kernel/cloud.ts'
import { InvalidInput } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import {
  costBases,
  costMetrics,
  dimensions,
  type CostParameters,
  type Dimension,
  type VirtualTag,
} from '../effects/queries.ts'

const text = z.string().min(1).max(1024)

export const Filter = z
  .strictObject({
    dimension: z.enum(dimensions),
    tagKey: text.optional().describe('The tag key of a filter by tag.'),
    values: z.array(text).min(1).max(100),
  })
  .refine(({ dimension, tagKey }) => (dimension === 'tag') === (tagKey !== undefined), {
    message: 'names its key as in filter[tag:Team], and only a tag does',
    path: ['tagKey'],
  })
export type Filter = z.infer<typeof Filter>

export const shared = {
  cloudProvider: text
    .optional()
    .describe("One cloud: `aws`, `azure` or `gcp`, or a provider's name as FOCUS has it, such as `Oracle`."),
  metric: z.enum(costMetrics).default('effective').describe('The FOCUS cost that is summed.'),
  basis: z
    .enum(costBases)
    .default('charge')
    .describe('Whether a charge counts on the day when it was incurred, or in the period in which it was billed.'),
  currency: z
    .string()
    .regex(/^\S{1,32}$/, 'must be a currency, such as USD')
    .optional()
    .describe(
      "The answer's currency, with each day's cost at the rate of that day. By default the organization's; if it has " +
        'none, the one in which most of its bills are, and nothing is converted.',
    ),
  filters: z
    .array(Filter)
    .max(20)
    .default([])
    .describe(
      'Repeats: `filter[service]=...&filter[tag:Team]=...`. Values of one dimension are alternatives; dimensions ' +
        'must all hold. `account` is the sub-account, or the billing account where the bill names none, as in ' +
        '`group_by=account`.',
    ),
  asOf: Time.optional().describe('Answers as known at that time.'),
}

const Ask = z.object(shared)
export type Ask = z.output<typeof Ask>

/** The rules of the organization for a tag, if it has any. */
export function virtualTagsOf(
  { virtualTags = [] }: Context,
  key: string | undefined,
): { virtualTags?: readonly VirtualTag[] } {
  const rules = virtualTags.filter((rule) => rule.key === key)
  return rules.length > 0 ? { virtualTags: rules } : {}
}

/** The grouping of a query. */
export function groupedBy<By extends Dimension>(
  ctx: Context,
  { groupBy, tagKey }: { groupBy: By; tagKey?: string | undefined },
): { groupBy: By; tagKey: string | undefined; virtualTags?: readonly VirtualTag[] } {
  return { groupBy, tagKey, ...virtualTagsOf(ctx, tagKey) }
}

/** Throws Fault `invalid` for an unknown cloud. */
export function filtersOf(
  ctx: Context,
  { cloudProvider, filters: asked }: Pick<Ask, 'cloudProvider' | 'filters'>,
  providers: readonly string[],
): CostParameters['filters'] {
  const filters = asked.map((filter) => ({ ...filter, ...virtualTagsOf(ctx, filter.tagKey) }))
  if (cloudProvider === undefined) return filters
  const wanted = cloudProvider.toLowerCase()
  const held = providers.filter((provider) => isOfCloud(provider, wanted))
  if (held.length === 0 && !clouds.some((cloud) => cloud === wanted)) unknownCloud(providers)
  return [...filters, { dimension: 'provider', values: held.length > 0 ? held : [cloudProvider] }]
}

function unknownCloud(providers: readonly string[]): never {
  const others = providers.filter((provider) => !isKnownCloud(provider)).toSorted()
  throw new InvalidInput([{ path: 'cloudProvider', message: `must be one of ${[...clouds, ...others].join(', ')}` }])
}
