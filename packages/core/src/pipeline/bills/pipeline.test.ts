import { expect, it } from 'vitest'
import definition from './bills.asl.json' with { type: 'json' }

const states = Object.entries(definition.States as Record<string, { Type?: string; TimeoutSeconds?: number }>)
const tasks = states.filter(([, { Type }]) => Type === 'Task')

it('has a timeout for each task: 15 minutes of a Lambda function, longer for a large bill on one machine', () => {
  expect(tasks.map(([name]) => name)).toEqual(['Normalize', 'RecordFailure'])
  for (const [name, { TimeoutSeconds }] of tasks) expect(TimeoutSeconds, name).toBeGreaterThanOrEqual(900)
})
