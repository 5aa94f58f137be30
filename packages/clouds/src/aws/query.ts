import type { Question } from './operation.ts'

type Input = Question['input']

/** The values of a list in the parameters of the query protocol: `InstanceId.1`, `InstanceId.2`. */
export function valuesOf(input: Input, name: string): string[] {
  return Object.entries(input).flatMap(([key, value]) =>
    key.startsWith(`${name}.`) && /^\d+$/.test(key.slice(name.length + 1)) ? [String(value)] : [],
  )
}

/** The values of a filter; undefined if there is no such filter. */
export function filterOf(input: Input, name: string): string[] | undefined {
  const [key] =
    Object.entries(input).find(([known, value]) => /^Filter\.\d+\.Name$/.test(known) && value === name) ?? []
  return key === undefined ? undefined : valuesOf(input, key.replace(/Name$/, 'Value'))
}

/** Whether the resource has the tags that filters ask for: `tag:Team`. */
export function hasTags(input: Input, tags: Readonly<Record<string, string>>): boolean {
  const names = Object.entries(input).flatMap(([key, value]) => (/^Filter\.\d+\.Name$/.test(key) ? String(value) : []))
  return names
    .filter((name) => name.startsWith('tag:'))
    .every((name) => filterOf(input, name)?.includes(tags[name.slice('tag:'.length)] ?? ''))
}

/** The tags of what a call makes. */
export function tagsIn(input: Input): Record<string, string> {
  const form = /^TagSpecification\.1\.Tag\.\d+\.Key$/
  const tags = Object.entries(input).flatMap(([name, key]) => {
    const value = input[name.replace(/Key$/, 'Value')]
    return form.test(name) ? [[String(key), typeof value === 'string' ? value : '']] : []
  })
  return Object.fromEntries(tags)
}
