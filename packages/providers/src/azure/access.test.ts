import { afterEach, describe, expect, test } from 'vitest'
import { createClouds } from '../access.ts'
import { listen, type Loopback, closedPortUrl } from '../testing/loopback.ts'
import { outcomeOf } from '../testing/printed.ts'
import { rows } from './collect/inventory-table.ts'
import { isNeeded } from './permissions.ts'
import { type FakeAzure, fakeAzure, guideRoles, refusedSignIn } from './testing.ts'

const tenantId = '11111111-1111-4111-8111-111111111111'
const subscriptionId = '22222222-2222-4222-8222-222222222222'
const clientId = '33333333-3333-4333-8333-333333333333'
const clientSecret = 'canary-secret'

let azure: Loopback | undefined
afterEach(async () => {
  await azure?.close()
  azure = undefined
})

async function verify(
  fake: Partial<FakeAzure> = {},
  given: Partial<Record<'tenantId' | 'subscriptionId' | 'clientId' | 'clientSecret', string>> = {},
) {
  azure = await fakeAzure({ tenantId, subscriptionId, secret: clientSecret, ...fake })
  const clouds = createClouds({ endpoints: { azure: { authority: azure.url, resourceManager: azure.url } } })
  return await clouds.azure.verify({ cloud: 'azure', tenantId, subscriptionId, clientId, clientSecret, ...given })
}

const missingOf = ({ missing }: { missing: { permission: string }[] }) => missing.map(({ permission }) => permission)
const answering =
  (path: string, status: number, code: string): FakeAzure['override'] =>
  (request) =>
    request.path.endsWith(path)
      ? { status, body: { error: { code, message: 'refused. canary-from-azure' } } }
      : undefined

describe('an application with the documented roles', () => {
  test('is accepted, with the name of the subscription', async () => {
    expect(await verify()).toEqual({ ok: true, problems: [], missing: [], accountName: 'Acme Azure' })
  })

  test('signs in at our host and sends its token to the resource manager only', async () => {
    await verify()
    const paths = azure?.seen.map(({ method, path }) => `${method} ${path}`).toSorted()
    const on = `/subscriptions/${subscriptionId}`
    expect(paths).toEqual(
      [
        `GET /${tenantId}/v2.0/.well-known/openid-configuration`,
        `POST /${tenantId}/oauth2/v2.0/token`,
        `GET ${on}`,
        `GET ${on}/providers/Microsoft.Authorization/permissions`,
        `POST ${on}/providers/Microsoft.CostManagement/query`,
        `GET ${on}/providers/Microsoft.CostManagement/exports`,
      ].toSorted(),
    )
    const managed = azure?.seen
      .filter(({ path }) => path.startsWith('/subscriptions'))
      .map(({ headers }) => headers.authorization)
    expect(new Set(managed)).toEqual(new Set(['Bearer token-of-azure']))
  })
})

describe('credentials', () => {
  test.each(['tenantId', 'subscriptionId', 'clientId'] as const)(
    'with an invalid %s are refused without a call',
    async (field) => {
      for (const id of ['', 'common', '../x', `${tenantId}/..`, `${tenantId}\n`, 'evil.example/']) {
        expect(await verify({}, { [field]: id })).toMatchObject({ ok: false, problems: [{ code: 'not_found' }] })
        expect(azure?.seen).toEqual([])
        await azure?.close()
      }
    },
  )

  test.each([
    ['7000215', /secret/],
    ['7000222', /expired/],
    ['700016', /client\) id/],
    ['90002', /tenant/],
    ['7000112', /disabled/],
    ['123456', /AADSTS123456/],
  ])('that Microsoft refuses with AADSTS%s are refused with advice', async (code, advice) => {
    const found = await verify({ override: ({ path }) => (path.endsWith('/token') ? refusedSignIn(code) : undefined) })
    expect(found).toMatchObject({
      ok: false,
      problems: [{ code: 'credentials_refused', message: expect.stringMatching(advice) }],
    })
  })

  test('that cannot see the subscription are refused', async () => {
    expect(await verify({}, { subscriptionId: clientId })).toMatchObject({
      ok: false,
      problems: [{ code: 'not_found' }],
    })
  })

  test('for a subscription of another tenant are refused', async () => {
    const override: FakeAzure['override'] = ({ path }) =>
      path === `/subscriptions/${subscriptionId}` ? { body: { tenantId: clientId, displayName: 'Theirs' } } : undefined
    expect(await verify({ override })).toMatchObject({ ok: false, problems: [{ code: 'wrong_account' }] })
    await azure?.close()
    expect(
      await verify({
        override: answering(`/subscriptions/${subscriptionId}`, 401, 'InvalidAuthenticationTokenTenant'),
      }),
    ).toMatchObject({
      problems: [{ code: 'wrong_account' }],
    })
  })
})

describe('permissions', () => {
  test('of Reader alone suffice if the query succeeds', async () => {
    expect(await verify({ grants: [{ actions: ['*/read'] }] })).toMatchObject({ ok: true })
  })

  test('that no role grants are listed with their purpose', async () => {
    const found = await verify({
      grants: [
        {
          actions: ['Microsoft.Compute/*', 'microsoft.resources/SUBSCRIPTIONS/read'],
          notActions: ['Microsoft.Compute/disks/*'],
        },
      ],
    })
    const purpose = 'finding unused and oversized resources'
    expect(found.missing.filter(({ neededFor }) => neededFor !== purpose)).toEqual([
      { permission: 'Microsoft.Authorization/permissions/read', neededFor: expect.any(String) },
      { permission: 'Microsoft.Compute/disks/read', neededFor: expect.stringMatching(/disks/) },
      { permission: 'Microsoft.Network/publicIPAddresses/read', neededFor: expect.stringMatching(/addresses/) },
      { permission: 'Microsoft.Insights/metrics/read', neededFor: expect.any(String) },
    ])
  })

  test.each(rows.map(({ type }) => `${type}/read`).filter((permission) => !isNeeded(permission)))(
    '%s is listed if it is missing, and the account is accepted',
    async (permission) => {
      const grants = [{ actions: ['*'], notActions: [permission] }]
      expect(await verify({ grants })).toMatchObject({ ok: true, problems: [], missing: [{ permission }] })
    },
  )

  test('that one role excludes may be granted by another', async () => {
    expect(
      await verify({ grants: [{ actions: ['*'], notActions: ['Microsoft.Compute/*'] }, ...guideRoles] }),
    ).toMatchObject({ ok: true })
  })

  test.each([
    [401, 'RBACAccessDenied'],
    [403, 'AuthorizationFailed'],
    [400, 'AccountCostDisabled'],
  ])('for costs are missing if the query is refused with %s %s, whatever the roles grant', async (status, code) => {
    expect(missingOf(await verify({ override: answering('/query', status, code) }))).toEqual([
      'Microsoft.CostManagement/query/action',
    ])
  })

  test('for costs follow from the roles if Azure throttles the query', async () => {
    expect(await verify({ override: answering('/query', 429, 'TooManyRequests') })).toMatchObject({ ok: true })
    await azure?.close()
    expect(
      missingOf(
        await verify({ grants: [{ actions: ['*/read'] }], override: answering('/query', 429, 'TooManyRequests') }),
      ),
    ).toEqual(['Microsoft.CostManagement/query/action'])
  })

  test('are missing if they may not be listed', async () => {
    expect(missingOf(await verify({ override: answering('/permissions', 403, 'AuthorizationFailed') }))).toEqual([
      'Microsoft.Authorization/permissions/read',
    ])
  })
})

describe('the container of an export', () => {
  const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
  const account =
    `/subscriptions/${subscriptionId}/resourceGroups/finops(eu)/providers/Microsoft.Storage/storageAccounts/` +
    'acmecosts'
  const readable = { containerGrants: [{ actions: ['*/read'], dataActions: [blobs] }] }

  test('must be readable', async () => {
    expect(missingOf(await verify({ exports: [{ resourceId: account, container: 'focus' }] }))).toEqual([blobs])
    await azure?.close()
    expect(await verify({ exports: [{ resourceId: account, container: 'focus' }], ...readable })).toMatchObject({
      ok: true,
    })
  })

  test.each([
    [`${account}/../../x`, 'focus'],
    [account, 'a/../..'],
    ['//evil.example/x', 'focus'],
    [
      `/subscriptions/${subscriptionId}/resourceGroups/../providers/Microsoft.Storage/storageAccounts/acmecosts`,
      'focus',
    ],
  ])('at %s %s gets no request, because it would change the path', async (resourceId, container) => {
    await verify({ exports: [{ resourceId, container }] })
    expect(azure?.seen.filter(({ path }) => path.endsWith('/permissions'))).toHaveLength(1)
  })
})

test('another token host in the sign-in’s metadata is ignored', async () => {
  const elsewhere = await listen(() => ({ body: { token_type: 'Bearer', expires_in: 3600, access_token: 'stolen' } }))
  const authority = `${elsewhere.url.replace('http:', 'https:')}/${tenantId}`
  const endpoints = {
    issuer: `${authority}/v2.0`,
    token_endpoint: `${authority}/token`,
    authorization_endpoint: `${authority}/authorize`,
    jwks_uri: `${authority}/keys`,
  }
  const override: FakeAzure['override'] = ({ path }) =>
    path.endsWith('/openid-configuration') ? { body: endpoints } : undefined
  await expect(verify({ override })).rejects.toMatchObject({ code: 'unavailable' })
  await elsewhere.close()
  expect(elsewhere.seen).toEqual([])
})

describe('Azure without an answer', () => {
  const unavailable = expect.objectContaining({
    name: 'Fault',
    code: 'unavailable',
    message: expect.stringMatching(/Azure does not answer/),
  })

  test('is a Fault if nothing listens', async () => {
    const url = await closedPortUrl()
    const clouds = createClouds({ endpoints: { azure: { authority: url, resourceManager: url } } })
    await expect(
      clouds.azure.verify({ cloud: 'azure', tenantId, subscriptionId, clientId, clientSecret }),
    ).rejects.toEqual(unavailable)
  })

  test.each(['/token', `/subscriptions/${subscriptionId}`, '/query', '/exports', '/permissions'])(
    'is a Fault if %s fails',
    async (path) => {
      await expect(verify({ override: answering(path, 503, 'ServerBusy') })).rejects.toEqual(unavailable)
    },
  )
})

test.each([
  ['a refused secret', () => refusedSignIn('7000215')],
  ['an unknown refusal', () => refusedSignIn('1')],
  ['a failing sign-in', answering('/token', 500, 'canary')],
  ['a failing query', answering('/query', 500, 'canary')],
  ['a hidden subscription', answering(`/subscriptions/${subscriptionId}`, 404, 'canary')],
])('no secret is in the answer to %s or in a log', async (_, override) => {
  const { text, printed } = await outcomeOf(() => verify({ override }))
  expect(text).toMatch(/Fault|problems/)
  for (const shown of [text, printed]) expect(shown).not.toMatch(/canary|token-of-azure/)
})
