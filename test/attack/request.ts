import { routes } from '@cloudoptima/api'
import { hasBody, type Route } from '../../packages/api/src/route.ts'

/** The arguments of `app.request`. */
export interface AppRequest {
  path: string
  init: { method: string; headers: Record<string, string>; body?: string }
}

/** Finds an operation by id. Throws an Error if it does not exist. */
export function operation(id: string): Route {
  const route = routes.find((each) => each.id === id)
  if (!route) throw new Error(`There is no operation ${id}`)
  return route
}

/** A request from the example of the contract, with changed input fields and headers. */
export function requestOf(
  route: Route,
  changes: { input?: Record<string, unknown>; headers?: Record<string, string> } = {},
): AppRequest {
  const input = { ...route.contract.request, ...changes.input }
  const inPath = new Set([...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(textOf(input[name]).toWellFormed()),
  )
  const rest = Object.entries(input).filter(([name]) => !inPath.has(name))
  const method = route.method.toUpperCase()
  if (!hasBody(route)) return { path: path + queryOf(rest), init: { method, headers: { ...changes.headers } } }
  return {
    path,
    init: {
      method,
      headers: { 'Content-Type': 'application/json', ...changes.headers },
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

/** The Authorization header of a token. */
export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

/** Prints the counts of a suite. */
export function report(line: string): void {
  process.stdout.write(`${line}\n`)
}
