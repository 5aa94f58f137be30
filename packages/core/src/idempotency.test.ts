import { expect, test } from 'vitest'
import * as Idempotency from './idempotency.ts'
import * as Import from './import.ts'
import { memoryRuntime, testContext } from './testing.ts'

const delivery = { files: [{ name: 'a', bytes: 1 }], replace: false }

test('the id is chosen before anything is made: after a crash in between, the retry makes that one', async () => {
  const ctx = testContext(memoryRuntime())
  const chosen = await Idempotency.claim(ctx, 'key', delivery, 'imp_first')
  expect(await ctx.runtime.tables.imports.all(ctx.orgId)).toEqual([])
  expect(await Idempotency.claim(ctx, 'key', delivery, 'imp_second')).toBe(chosen)
  const made = await Import.create(ctx, delivery, chosen)
  expect(await Import.create(ctx, delivery, chosen)).toEqual(made)
})

test('of many at once one choice holds for all', async () => {
  const ctx = testContext(memoryRuntime())
  const chosen = await Promise.all(Array.from({ length: 50 }, (_, n) => Idempotency.claim(ctx, 'key', delivery, `imp_${n}`)))
  expect(new Set(chosen).size).toBe(1)
})

test('a key belongs to its organisation', async () => {
  const ctx = testContext(memoryRuntime())
  await Idempotency.claim(ctx, 'key', delivery, 'imp_ours')
  expect(await Idempotency.claim({ ...ctx, orgId: 'org_other' }, 'key', { other: true }, 'imp_theirs')).toBe('imp_theirs')
})
