import { expect, it } from 'vitest'
import * as Import from './import.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'

it('reads the changes of an import back, also if they are too large for its record', async () => {
  const ctx = testContext(memoryRuntime())
  for (const count of [1, 3000]) {
    const { id } = await Import.create(ctx, { files: [{ name: 'bill.csv', bytes: 1 }] })
    const changes = Array.from({ length: count }, (_, i) => ({
      partition: `AWS/${i}/2024-09`,
      version: 1,
      rows: 1,
      after: [],
    }))
    const record = { ...(await Import.get(ctx, id)), ...(await Import.storeChanges(ctx, id, changes)) }
    expect(JSON.stringify(record).length).toBeLessThan(400_000)
    expect(record.changes === undefined).toBe(count > 1)
    await ctx.runtime.tables.imports.put(ctx.orgId, record)
    expect((await Import.get(ctx, id)).changes).toEqual(changes)
  }
})
