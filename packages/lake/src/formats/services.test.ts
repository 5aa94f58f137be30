import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { bench, dataFile, describeData } from './testing.ts'

const { query } = bench()

interface Model {
  service_subcategory_parents: Record<string, string>
}

describeData('the table of services', () => {
  it("has FOCUS's own categories, each subcategory under its parent", async () => {
    const { service_subcategory_parents: parents } = JSON.parse(
      readFileSync(dataFile('focus-model/focus_1_4_model.json'), 'utf8'),
    ) as Model
    const found = await query<{ category: string; subcategory: string }>(
      'SELECT DISTINCT category, subcategory FROM service_category',
    )
    expect(found.filter(({ category, subcategory }) => parents[subcategory] !== category)).toEqual([])
    expect(parents['Other (Other)']).toBe('Other')
  })

  it('has one entry per service, by a code in lower case', async () => {
    const twice = await query(
      'SELECT provider, code FROM service_category GROUP BY ALL HAVING count(*) > 1 OR code <> lower(code)',
    )
    expect(twice).toEqual([])
  })
})
