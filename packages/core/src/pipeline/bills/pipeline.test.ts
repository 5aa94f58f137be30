import { expect, it } from 'vitest'
import definition from './bills.asl.json' with { type: 'json' }

it('lets a large bill take its time: the embedded interpreter ends a task that does not say how long it may take after 60 seconds', () => {
  const tasks = Object.entries(definition.States).filter(([, state]) => state.Type === 'Task')
  expect(tasks.map(([name]) => name)).toEqual(['Normalize', 'Announce', 'RecordFailure'])
  for (const [name, state] of tasks)
    expect('TimeoutSeconds' in state && state.TimeoutSeconds, name).toBeGreaterThanOrEqual(900)
})
