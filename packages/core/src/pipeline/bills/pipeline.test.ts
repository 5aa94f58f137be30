import { expect, it } from 'vitest'
import definition from './bills.asl.json' with { type: 'json' }

const branches = definition.States.Follow.Branches.map(({ States }) => States as Record<string, object>)
const tasks = [definition.States, ...branches]
  .flatMap((states) => Object.entries(states as Record<string, { Type?: string; TimeoutSeconds?: number }>))
  .filter(([, { Type }]) => Type === 'Task')

it('has a timeout for each task: 15 minutes of a Lambda function, longer for a large bill on one machine', () => {
  expect(tasks.map(([name]) => name)).toEqual(['Normalize', 'RecordFailure', 'Detect', 'Recommend', 'Track'])
  for (const [name, { TimeoutSeconds }] of tasks) expect(TimeoutSeconds, name).toBeGreaterThanOrEqual(900)
})

it('catches every error of each branch, so that no branch ends the import', () => {
  const caught = branches.flatMap((states) => Object.values(states)).filter((state) => 'Retry' in state)
  expect(caught).toHaveLength(3)
  expect(caught).toEqual(
    caught.map(() => expect.objectContaining({ Catch: [expect.objectContaining({ ErrorEquals: ['States.ALL'] })] })),
  )
})
