import * as z from 'zod'
import * as Money from '../kernel/money.ts'
import { type Actual, type Field, fieldNames, fieldOf, type Operator, operatorsOf, type View } from './fields.ts'

const mostDepth = 5
const mostConditions = 50

const Value = z.union([
  z.string().max(1024),
  z.number().min(-1e15).max(1e15),
  z.boolean(),
  z.array(z.string().max(1024)).min(1).max(100).describe('Of `in` and `not_in`.'),
])
export type Value = z.infer<typeof Value>

/** A condition, or a group of conditions; groups lie in each other up to five deep. */
export const Written = z.strictObject({
  field: z
    .string()
    .max(600)
    .optional()
    .describe(`One of ${fieldNames.join(', ')}.`),
  operator: z
    .string()
    .max(20)
    .optional()
    .describe(`One of ${[...new Set(Object.values(operatorsOf).flat())].join(' ')}`),
  value: Value.optional().describe('None with `exists` and `not_exists`. Money is a number or a decimal text.'),
  all: z.array(z.unknown()).max(mostConditions).optional().describe('A group of conditions that must all hold.'),
  any: z.array(z.unknown()).max(mostConditions).optional().describe('A group of conditions of which one must hold.'),
})
export type Written = z.infer<typeof Written>

export interface Condition {
  field: string
  operator: Operator
  value?: Value
}
export type Node = Condition | { all: Node[] } | { any: Node[] }

/** As a request writes them. */
export const writtenOf = (nodes: readonly Node[]): Written[] => structuredClone(nodes) as Written[]

type Report = (path: readonly (string | number)[], message: string) => void

/** All of them must hold. Without conditions each resource of the action matches. */
export const Conditions = z
  .array(Written)
  .max(mostConditions, `must be at most ${mostConditions} conditions`)
  .transform((written, context): Node[] => {
    const report: Report = (path, message) => context.addIssue({ code: 'custom', path: [...path], message })
    const nodes = written.map((one, index) => parsed(one, [index], 1, report))
    if (conditionsIn(nodes).length > mostConditions) report([], `must be at most ${mostConditions} conditions`)
    return nodes
  })

function parsed(written: unknown, path: readonly (string | number)[], depth: number, report: Report): Node {
  const read = Written.safeParse(written)
  if (!read.success) {
    for (const { path: inner, message } of read.error.issues)
      report([...path, ...inner.filter((part) => typeof part !== 'symbol')], message)
    return { all: [] }
  }
  const { field = '', operator = '', value, all, any } = read.data
  const isGroup = all !== undefined || any !== undefined
  const isBoth = isGroup && (read.data.field ?? read.data.operator ?? value) !== undefined
  if (isBoth || (all && any)) {
    report(path, 'must be a condition (field, operator, value), or a group (all), or a group (any)')
    return { all: [] }
  }
  if (isGroup) return group(all ? 'all' : 'any', all ?? any ?? [], path, depth, report)
  checkCondition({ field, operator, ...(value !== undefined && { value }) }, path, report)
  return { field, operator: operator as Operator, ...(value !== undefined && { value }) }
}

function group(
  kind: 'all' | 'any',
  inner: readonly unknown[],
  at: readonly (string | number)[],
  depth: number,
  report: Report,
): Node {
  const path = [...at, kind]
  if (depth > mostDepth) {
    report(path, `groups must lie in each other at most ${mostDepth} deep`)
    return { all: [] }
  }
  if (inner.length === 0) report(path, 'must have a condition')
  const nodes = inner.map((one, index) => parsed(one, [...path, index], depth + 1, report))
  return kind === 'all' ? { all: nodes } : { any: nodes }
}

function checkCondition(
  { field: name, operator, value }: { field: string; operator: string; value?: Value },
  path: readonly (string | number)[],
  report: Report,
): void {
  const field = fieldOf(name)
  if (!field) return report([...path, 'field'], `must be one of ${fieldNames.join(', ')}`)
  const operators: readonly string[] = operatorsOf[field.type]
  if (!operators.includes(operator))
    return report([...path, 'operator'], `must be one of ${operators.join(' ')} for ${name}`)
  const complaint = complaintOf(field, operator, value)
  if (complaint !== undefined) report([...path, 'value'], complaint)
}

const decimal = /^-?\d{1,15}(\.\d{1,18})?$/

/** Why the value does not fit the field and the operator. */
function complaintOf({ type, allowed }: Field, operator: string, value: Value | undefined): string | undefined {
  if (operator === 'exists' || operator === 'not_exists')
    return value === undefined ? undefined : `must not be given with ${operator}`
  const isList = operator === 'in' || operator === 'not_in'
  if (isList !== Array.isArray(value)) return isList ? 'must be a list of texts' : 'must be one value, not a list'
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'number':
    case 'lasting':
      return typeof value === 'number' ? undefined : 'must be a number'
    case 'money':
      return (typeof value === 'number' && decimal.test(String(value))) ||
        (typeof value === 'string' && decimal.test(value))
        ? undefined
        : 'must be an amount, such as 20 or "19.99"'
    case 'text':
    case 'choice': {
      const texts = Array.isArray(value) ? value : [value]
      if (!texts.every((text) => typeof text === 'string')) return 'must be a text'
      const isAllowed = !allowed || texts.every((text) => typeof text === 'string' && allowed.includes(text))
      return isAllowed ? undefined : `must be one of ${allowed.join(', ')}`
    }
  }
}

/** The conditions within groups. */
export function conditionsIn(nodes: readonly Node[]): Condition[] {
  return nodes.flatMap((node) => ('field' in node ? [node] : conditionsIn('all' in node ? node.all : node.any)))
}

/** A condition that does not hold. */
export interface Failure {
  /** `cpu_avg < 5` */
  condition: string
  /** The value of the resource; null if it is not known. */
  actual: string | null
}

/** Undefined if all hold; otherwise those that do not, of an `any` group all. A value that is not known never holds. */
export function failuresOf(nodes: readonly Node[], view: View): Failure[] {
  return nodes.flatMap((node) => {
    if ('field' in node) return holds(node, view) ? [] : [failure(node, view)]
    if ('all' in node) return failuresOf(node.all, view)
    const each = node.any.map((one) => failuresOf([one], view))
    return each.some((failures) => failures.length === 0) ? [] : each.flat()
  })
}

function failure(condition: Condition, view: View): Failure {
  const actual = fieldOf(condition.field)?.read(view)
  return { condition: wordsOf(condition), actual: actual === undefined ? null : String(actual) }
}

/** `region in [eu-west-1, eu-west-2]` */
export function wordsOf({ field, operator, value }: Condition): string {
  const shown = Array.isArray(value) ? `[${value.join(', ')}]` : value
  return [field, operator, ...(shown === undefined ? [] : [String(shown)])].join(' ')
}

function holds({ field: name, operator, value }: Condition, view: View): boolean {
  const field = fieldOf(name)
  const actual = field?.read(view)
  if (operator === 'exists') return actual !== undefined
  if (operator === 'not_exists') return field !== undefined && actual === undefined
  if (!field || actual === undefined || value === undefined) return false
  return field.type === 'text' || field.type === 'choice'
    ? textHolds(operator, String(actual), value)
    : orderHolds(operator, compared(field.type, actual, value))
}

function textHolds(operator: Operator, actual: string, value: Value): boolean {
  const values = Array.isArray(value) ? value : [String(value)]
  switch (operator) {
    case '=':
    case 'in':
      return values.includes(actual)
    case '!=':
    case 'not_in':
      return !values.includes(actual)
    case 'contains':
      return values.some((text) => actual.includes(text))
    case 'starts_with':
      return values.some((text) => actual.startsWith(text))
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'exists':
    case 'not_exists':
      return false
  }
}

/** NaN if they cannot be compared. */
function compared(type: Field['type'], actual: NonNullable<Actual>, value: Value): number {
  if (type === 'money') return Money.parse(String(actual)).cmp(String(value))
  if (type === 'boolean') return actual === value ? 0 : 1
  return typeof actual === 'number' && typeof value === 'number' ? Math.sign(actual - value) : NaN
}

function orderHolds(operator: Operator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '!=':
      return order === -1 || order === 1
    case '<':
      return order === -1
    case '<=':
      return order === -1 || order === 0
    case '>':
      return order === 1
    case '>=':
      return order === 0 || order === 1
    case 'in':
    case 'not_in':
    case 'contains':
    case 'starts_with':
    case 'exists':
    case 'not_exists':
      return false
  }
}
