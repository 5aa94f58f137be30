import type { Route } from './route.ts'

/** In API Gateway's notation, such as `/v1/costs/{proxy+}`. */
export interface GatewayPath {
  path: string
  method: string
  needs?: 'lake'
}

/** Routes that need the lake each get a method; the function without it gets the rest, also 404 and 405. */
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

/** `/v1/costs/overview` gives `/v1/costs` and `/v1/costs/overview`. */
function nodesOf(path: string) {
  const parts = path.split('/').slice(1)
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`).filter((node) => node !== '/v1')
}

/** API Gateway allows one path parameter per level, so `{proxy+}` cannot stand beside `{id}`. */
function rest(node: string, nodes: ReadonlySet<string>) {
  const hasParameter = [...nodes].some((other) => other.startsWith(`${node}/{`))
  return hasParameter ? [] : [`${node}/{proxy+}`]
}
