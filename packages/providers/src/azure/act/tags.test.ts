import type { Taggable } from '@cloudoptima/core'
import { afterEach, expect, test } from 'vitest'
import type { Loopback, ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { collection, serve, subscriptionId } from '../collect/testing.ts'

let azure: Loopback | undefined
afterEach(async () => await azure?.close())

const vm: Taggable = {
  id: `/subscriptions/${subscriptionId}/resourcegroups/my group/providers/microsoft.compute/virtualmachines/web`,
  kind: 'instance',
  region: 'westeurope',
}

async function subscriptionWith(answer: (request: ReceivedRequest) => Reply) {
  const asked: ReceivedRequest[] = []
  azure = await serve({
    override: (request) => {
      if (!request.path.endsWith('/tags/default')) return undefined
      asked.push(request)
      return answer(request)
    },
  })
  return { ...collection(azure.url), asked }
}

const tagged = { body: { properties: { tags: { Team: 'shop' } } } }

test('tags are merged, then deleted with their values, at the scope of the resource', async () => {
  const { azure: provider, access, asked, taken } = await subscriptionWith(() => tagged)
  const change = { resource: vm, before: {}, set: { Team: 'shop' }, remove: { Old: '1' } }
  expect(await provider.retag(access, [change])).toEqual([{ id: vm.id }])
  const scope = `${vm.id.replace(' ', '%20')}/providers/Microsoft.Resources/tags/default`
  expect(
    asked.map(({ method, path, query, body }) => [method, path, query.get('api-version'), JSON.parse(body)]),
  ).toEqual([
    ['PATCH', scope, '2021-04-01', { operation: 'Merge', properties: { tags: { Team: 'shop' } } }],
    ['PATCH', scope, '2021-04-01', { operation: 'Delete', properties: { tags: { Old: '1' } } }],
  ])
  expect(taken.map(({ api }) => api)).toEqual(['login:token', ...asked.map(() => 'Microsoft.Resources/tags/write')])
  expect(await provider.tags(access, [vm])).toEqual([{ id: vm.id, tags: { Team: 'shop' } }])
})

test.each([
  [403, 'AuthorizationFailed', /Tag Contributor/],
  [409, 'ScopeLocked', /locked/],
  [404, 'ResourceNotFound', /does not exist/],
])('a refusal with %i %s says what to do, and whether a part is done', async (status, code, advice) => {
  const { azure: provider, access } = await subscriptionWith(({ body }) =>
    body.includes('Delete') ? { status, headers: { 'x-ms-error-code': code }, body: '' } : tagged,
  )
  const changes = [
    { resource: vm, before: {}, set: { Team: 'shop' }, remove: { Old: '1' } },
    { resource: vm, before: {}, set: {}, remove: { Old: '1' } },
  ]
  const refusal = expect.stringMatching(advice) as string
  expect(await provider.retag(access, changes)).toEqual([
    { id: vm.id, refusal, isPartly: true },
    { id: vm.id, refusal },
  ])
})

test.each([
  ['Merge', { Team: 'shop' }, {}],
  ['Delete', {}, { Old: '1' }],
])('%s without an answer may be done', async (operation, set, remove) => {
  const { azure: provider, access } = await subscriptionWith(({ body }) =>
    body.includes(operation) ? { status: 503, headers: { 'retry-after': '31' }, body: '' } : tagged,
  )
  expect(await provider.retag(access, [{ resource: vm, before: {}, set, remove }])).toEqual([
    { id: vm.id, refusal: expect.stringContaining('503'), isPartly: true },
  ])
})

test.each([
  '/subscriptions/another/vm',
  `/subscriptions/${subscriptionId}/../other`,
  `/subscriptions/${subscriptionId}/a?b`,
])('no request is sent for %s', async (id) => {
  const { azure: provider, access, asked } = await subscriptionWith(() => tagged)
  const resource = { ...vm, id }
  const answers = [
    ...(await provider.tags(access, [resource])),
    ...(await provider.retag(access, [{ resource, before: {}, set: { a: 'b' }, remove: {} }])),
  ]
  expect(answers.map((answer) => 'refusal' in answer)).toEqual([true, true])
  expect(asked).toEqual([])
})

test('calls that Azure throttles are refused for the moment, and have changed nothing', async () => {
  const { azure: provider, access } = await subscriptionWith(() => ({
    status: 429,
    headers: { 'retry-after': '3600' },
  }))
  const passing = { id: vm.id, refusal: expect.any(String) as string, isPassing: true }
  const change = { resource: vm, before: {}, set: { Team: 'shop' }, remove: {} }
  expect(await provider.retag(access, [change])).toEqual([passing])
  expect(await provider.tags(access, [vm])).toEqual([passing])
})
