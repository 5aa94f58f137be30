import { expect, test } from 'vitest'
import { actions } from '../actions/actions.ts'
import { allRules } from '../rules/index.ts'
import { performanceOf } from '../rules/performance.ts'
import { deeds } from './deed.ts'

test('each deed is of a rule, and of an action on the clouds and kinds of the rule', () => {
  const byId = new Map(allRules.map((rule) => [rule.id, rule]))
  for (const [id, [name]] of Object.entries(deeds)) {
    const rule = byId.get(id)
    expect(rule, id).toBeDefined()
    const { clouds, kinds } = actions[name]
    expect(
      rule?.clouds.every((cloud) => clouds.includes(cloud)),
      `${id} ${name}`,
    ).toBe(true)
    expect(
      rule?.kinds.some((kind) => kinds.includes(kind)),
      `${id} ${name}`,
    ).toBe(true)
  }
})

test('each sentence on performance is of a rule', () => {
  const ids = allRules.map(({ id }) => id)
  for (const id of Object.keys(performanceOf)) expect(ids).toContain(id)
})
