import { routes } from '@cloudoptima/api'
import { hasBody, type Route } from '../../packages/api/src/route.ts'

/** A request as `app.request` takes it. */
export interface Sent {
  path: string
  init: { method: string; headers: Record<string, string>; body?: string }
}

/** The operation of this id. */
export function operation(id: string): Route {
  const route = routes.find((each) => each.id === id)
  if (!route) throw new Error(`${id} is no operation`)
  return route
}

/** What its contract gives as an example, on the wire, with other values for some of its fields. */
export function requestOf(
  route: Route,
  given: { input?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Sent {
  const input = { ...route.contract.examples.input, ...given.input }
  const inPath = new Set([...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(textOf(input[name]).toWellFormed()),
  )
  const rest = Object.entries(input).filter(([name]) => !inPath.has(name))
  const method = route.method.toUpperCase()
  if (!hasBody(route)) return { path: path + queryOf(rest), init: { method, headers: { ...given.headers } } }
  return {
    path,
    init: {
      method,
      headers: { 'Content-Type': 'application/json', ...given.headers },
      body: JSON.stringify(Object.fromEntries(rest)),
    },
  }
}

function queryOf(fields: [string, unknown][]): string {
  const pairs = fields.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, textOf(one)] as const),
  )
  const written = pairs.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&')
  return written && `?${written}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

/** A header that says who asks. */
export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

/** Prints what a suite has counted. */
export function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
