import { expect, test } from 'vitest'
import type { NormalizeOptions } from '../../effects/lake.ts'
import * as Organization from '../../organization/organization.ts'
import { billLimits, Tier } from '../../organization/tier.ts'
import { a1, begin, lake } from '../../testing/purged-lake.ts'
import { over } from '../../testing/runtime.ts'
import * as Normalize from './normalize.ts'

test.each([...Tier.options])('a bill has the limits of the tier %s', async (tier) => {
  const { ctx, runtime } = lake()
  const organization = Organization.founded(ctx.orgId, 'Example Ltd', '', ctx.now(), { tier })
  await ctx.tables.organizations.put(ctx.orgId, organization)
  const importId = await begin(ctx, [a1])
  const seen: NormalizeOptions['limits'][] = []
  const watched = {
    ...runtime.lake,
    normalize: async (...[files, options]: Parameters<typeof runtime.lake.normalize>) => {
      seen.push(options.limits)
      return await runtime.lake.normalize(files, options)
    },
  }
  await Normalize.run(over(ctx, { ...runtime, lake: watched }), { importId })
  expect(seen).toEqual([billLimits[tier]])
})
