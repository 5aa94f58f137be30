import { JSONPath } from 'jsonpath-plus'
import { StateError, runtimeError } from './error.ts'

/** The supported part of `$$`. */
export interface Context {
  Execution: { Name: string; Input: unknown; StartTime: string }
  State: { Name: string; RetryCount: number }
  Task?: { Token: string }
  Map?: { Item: { Index: number; Value: unknown } }
}

const known =
  /^\$\$\.(Execution\.(Name|StartTime|Input)|State\.(Name|RetryCount)|Task\.Token|Map\.Item\.(Index|Value))(?=$|[.[])/

/** Filters and scripts are not supported. */
export function isPath(text: string): boolean {
  return (/^\$($|[.[])/.test(text) || known.test(text)) && !/[()?@^~`]/.test(text)
}

export function isReference(text: string): boolean {
  return isPath(text) && !text.startsWith('$$') && isDefinite(text)
}

function isDefinite(path: string) {
  return JSONPath.toPathArray(path).every((part) => !/[*:,]|^\.\.$/.test(part))
}

/** A list for a path with wildcards. */
export function find(path: string, data: unknown, context: Context): unknown {
  const [root, local] = path.startsWith('$$') ? [context, path.slice(1)] : [data, path]
  if (local === '$') return root
  const found =
    typeof root === 'object' && root !== null
      ? (JSONPath({ path: local, json: root, wrap: true, eval: false }) as unknown[])
      : []
  return isDefinite(local) ? found[0] : found
}

/** Throws `States.Runtime` if the path has no value. */
export function read(path: string, data: unknown, context: Context): unknown {
  const found = find(path, data, context)
  if (found === undefined) throw runtimeError(`The path ${path} has no value.`)
  return found
}

export function select(path: string | null | undefined, data: unknown, context: Context): unknown {
  if (path === null) return {}
  return path === undefined ? data : read(path, data, context)
}

export function fill(template: unknown, data: unknown, context: Context): unknown {
  if (Array.isArray(template)) return template.map((inside) => fill(inside, data, context))
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(
    Object.entries(template).map(([key, inside]) =>
      key.endsWith('.$') ? [key.slice(0, -2), read(String(inside), data, context)] : [key, fill(inside, data, context)],
    ),
  )
}

export function combine(path: string | null | undefined, input: unknown, result: unknown): unknown {
  if (path === null) return input
  return path === undefined ? result : put(input, JSONPath.toPathArray(path).slice(1), result)
}

function put(target: unknown, [head, ...rest]: string[], value: unknown): unknown {
  if (head === undefined) return value
  if (Array.isArray(target) && Number(head) < target.length)
    return target.with(Number(head), put(target[Number(head)], rest, value))
  if (typeof target !== 'object' || target === null || Array.isArray(target))
    throw new StateError('States.ResultPathMatchFailure', `The input has no place for the result at ${head}.`)
  const inside = Object.hasOwn(target, head) ? (target as Record<string, unknown>)[head] : {}
  return { ...target, [head]: put(rest.length > 0 ? inside : undefined, rest, value) }
}
