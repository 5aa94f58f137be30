import { expect, test } from 'vitest'
import * as Import from '../../bills/import.ts'
import { a1, begin, deliver, lake } from '../../testing/purged-lake.ts'
import { dyingAt } from '../../testing/processes.ts'
import { over } from '../../testing/runtime.ts'
import type { ExecutionState } from '../../effects/runtime.ts'
import { importRecord } from './import-record.ts'
import * as Normalize from './normalize.ts'
import * as RecordFailure from './record-failure.ts'

const error = { Error: 'Lambda.Unknown', Cause: 'out of memory' }

test('says that the visible costs are unchanged when nothing was committed', async () => {
  const { ctx } = lake()
  const importId = await begin(ctx, [a1])
  await RecordFailure.run(ctx, { importId, error })
  const { status, reason } = await Import.get(ctx, importId)
  expect([status, reason]).toEqual(['failed', expect.stringContaining('unchanged')])
})

test('says that the costs are visible when the process ended after the commit', async () => {
  const { ctx } = lake()
  const importId = await begin(ctx, [a1])
  const dying = dyingAt(ctx, (noun, verb) => noun === 'partitions' && verb === 'replace')
  await expect(Normalize.run(dying, { importId })).rejects.toThrow('killed')
  await RecordFailure.run(ctx, { importId, error })
  const { status, reason } = await Import.get(ctx, importId)
  expect([status, reason]).toEqual(['failed', expect.stringContaining('visible already')])
})

test('an import whose execution ended without recording it is failed by the sweep, and no late write revives it', async () => {
  const { ctx, runtime } = lake()
  const importId = await begin(ctx, [a1])
  let status: ExecutionState['status'] = 'running'
  const workflows = { ...runtime.workflows, describe: async () => ({ status }) }
  const swept = over(ctx, { ...runtime, workflows })
  await Import.sweep(swept)
  const info = await Import.get(ctx, importId)
  expect(info.status).toBe('running')
  status = 'failed'
  await Import.sweep(swept)
  expect(await Import.get(ctx, importId)).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('unchanged'),
  })
  const late = importRecord(ctx, info)
  late.progress({ phase: 'read', percent: 1 })
  await expect(late.end({ status: 'committed' })).rejects.toMatchObject({ code: 'conflict' })
  expect(await Normalize.run(ctx, { importId })).toEqual({ outcome: 'failed' })
  expect((await Import.get(ctx, importId)).status).toBe('failed')
})

test('leaves an import alone that has ended', async () => {
  const { ctx } = lake()
  await deliver(ctx, [a1])
  const [before] = await Array.fromAsync(Import.records(ctx))
  await RecordFailure.run(ctx, { importId: before?.id ?? '', error })
  expect(await Array.fromAsync(Import.records(ctx))).toEqual([before])
})
