import type { Route } from './route.ts'

/** One method of a path as API Gateway writes it, `/v1/costs/{proxy+}`, and what its function needs. */
export interface GatewayPath {
  path: string
  method: string
  needs?: 'lake'
}

/**
 * The paths of API Gateway for these routes. Each route that needs the lake has its own method; everything else goes to the function without the lake, also
 * below and beside such a route, because the application answers unknown paths and methods.
 */
export function gatewayPaths(
  routes: readonly (Pick<Route, 'path' | 'method'> & Partial<Pick<Route, 'needs'>>)[],
): GatewayPath[] {
  const lake = routes.filter(({ needs }) => needs === 'lake')
  const nodes = new Set(lake.flatMap(({ path }) => nodesOf(path)))
  const others = ['/', '/{proxy+}', '/v1/{proxy+}', ...nodes, ...[...nodes].flatMap((node) => rest(node, nodes))]
  return [
    ...others.map((path) => ({ path, method: 'ANY' })),
    ...lake.map(({ path, method }) => ({ path, method: method.toUpperCase(), needs: 'lake' as const })),
  ]
}

/** `/v1/costs/overview`: `/v1/costs` and `/v1/costs/overview`. */
function nodesOf(path: string): string[] {
  const parts = path.split('/').slice(1)
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`).filter((node) => node !== '/v1')
}

/** API Gateway takes one path parameter at a place: `{proxy+}` cannot stand beside `{id}`. */
function rest(node: string, nodes: ReadonlySet<string>): string[] {
  const hasParameter = [...nodes].some((other) => other.startsWith(`${node}/{`))
  return hasParameter ? [] : [`${node}/{proxy+}`]
}
