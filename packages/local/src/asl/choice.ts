import { type Context, find, isPath, read } from './path.ts'

export type Rule = Record<string, unknown>

const timestamp = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
export const isTimestamp = (value: unknown): value is string => typeof value === 'string' && timestamp.test(value)

const kinds: Record<string, (value: unknown) => string | number | boolean | undefined> = {
  String: (value) => (typeof value === 'string' ? value : undefined),
  Numeric: (value) => (typeof value === 'number' ? value : undefined),
  Boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  Timestamp: (value) => (isTimestamp(value) ? Date.parse(value) : undefined),
}
type Comparable = string | number | boolean
const comparisons: Record<string, (left: Comparable, right: Comparable) => boolean> = {
  Equals: (left, right) => left === right,
  LessThan: (left, right) => left < right,
  GreaterThan: (left, right) => left > right,
  LessThanEquals: (left, right) => left <= right,
  GreaterThanEquals: (left, right) => left >= right,
}
const tests: Record<string, (value: unknown) => boolean> = {
  IsNull: (value) => value === null,
  IsPresent: (value) => value !== undefined,
  IsNumeric: (value) => typeof value === 'number',
  IsString: (value) => typeof value === 'string',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: isTimestamp,
}
const comparison = /^(String|Numeric|Boolean|Timestamp)(Equals|(?:Less|Greater)Than(?:Equals)?)(Path)?$/

export function complaintOfRule(rule: Rule): string | undefined {
  const operators = Object.keys(rule).filter((key) => !['Variable', 'Next', 'Comment'].includes(key))
  const [operator = ''] = operators
  if (operators.length !== 1) return `a rule must have one operator, not ${operators.length}: ${operators.join(', ')}`
  const operand = rule[operator]
  if (operator === 'And' || operator === 'Or' || operator === 'Not') {
    const inside = operator === 'Not' ? [operand] : operand
    if (!Array.isArray(inside)) return `${operator} must have a list of rules`
    return inside.map((each) => complaintOfRule(each as Rule)).find((complaint) => complaint !== undefined)
  }
  if (typeof rule['Variable'] !== 'string' || !isPath(rule['Variable']))
    return `the Variable of ${operator} must be a path`
  if (operator in tests) return typeof operand === 'boolean' ? undefined : `${operator} must be true or false`
  if (operator === 'StringMatches') return typeof operand === 'string' ? undefined : 'StringMatches must be text'
  const [, kind = '', , isByPath] = comparison.exec(operator) ?? []
  if (kind === '') return `the operator ${operator} is not supported`
  if (isByPath) return typeof operand === 'string' && isPath(operand) ? undefined : `${operator} must be a path`
  return kinds[kind]?.(operand) === undefined ? `${operator} cannot compare with ${JSON.stringify(operand)}` : undefined
}

/** A missing Variable is an error, except for IsPresent. */
export function holds(rule: Rule, data: unknown, context: Context): boolean {
  const inside = (rules: unknown) => (rules as Rule[]).values().map((each) => holds(each, data, context))
  if ('And' in rule) return inside(rule['And']).every(Boolean)
  if ('Or' in rule) return inside(rule['Or']).some(Boolean)
  if ('Not' in rule) return !holds(rule['Not'] as Rule, data, context)
  const [operator = '', operand] =
    Object.entries(rule).find(([key]) => !['Variable', 'Next', 'Comment'].includes(key)) ?? []
  const variable = String(rule['Variable'])
  const value = operator === 'IsPresent' ? find(variable, data, context) : read(variable, data, context)
  const test = tests[operator]
  if (test) return test(value) === operand
  if (operator === 'StringMatches') return typeof value === 'string' && pattern(String(operand)).test(value)
  const [, kind = '', name = '', isByPath] = comparison.exec(operator) ?? []
  const left = kinds[kind]?.(value)
  const right = kinds[kind]?.(isByPath ? read(String(operand), data, context) : operand)
  return left !== undefined && right !== undefined && comparisons[name]?.(left, right) === true
}

/** `*` matches any text; `\*` and `\\` are literals. */
function pattern(text: string): RegExp {
  const parts = text.match(/\\[*\\]|\*|[^*]/gs) ?? []
  return new RegExp(`^${parts.map((part) => (part === '*' ? '.*' : RegExp.escape(part.at(-1) ?? ''))).join('')}$`, 's')
}
