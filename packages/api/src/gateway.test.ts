import { expect, test } from 'vitest'
import { gatewayPaths } from './gateway.ts'
import { routes } from './routes.ts'

test('a route that needs the lake has its own method; all other paths go to the function without the lake', () => {
  const paths = gatewayPaths([
    { path: '/v1/costs/overview', method: 'get', needs: 'lake' },
    { path: '/v1/resources/{id}', method: 'get', needs: 'lake' },
    { path: '/v1/imports', method: 'get' },
  ])
  expect(paths.map(({ path, method, needs }) => `${method} ${path}${needs ? ' lake' : ''}`)).toEqual([
    'ANY /',
    'ANY /{proxy+}',
    'ANY /v1/{proxy+}',
    'ANY /v1/costs',
    'ANY /v1/costs/overview',
    'ANY /v1/resources',
    'ANY /v1/resources/{id}',
    'ANY /v1/costs/{proxy+}',
    'ANY /v1/costs/overview/{proxy+}',
    'ANY /v1/resources/{id}/{proxy+}',
    'GET /v1/costs/overview lake',
    'GET /v1/resources/{id} lake',
  ])
})

test('every question to the lake declares that it needs the lake', () => {
  const questions = routes.filter(({ ask }) => ask !== undefined)
  expect(questions.length).toBeGreaterThan(2)
  expect(questions.filter(({ needs }) => needs !== 'lake').map(({ id }) => id)).toEqual([])
})
