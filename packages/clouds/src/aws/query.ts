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
