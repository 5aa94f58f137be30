import { afterEach, describe, expect, test, vi } from 'vitest'
import { createClouds } from '../access.ts'
import { listen, type Loopback, closedPortUrl } from '../testing/loopback.ts'
import { outcomeOf } from '../testing/printed.ts'
import { lists } from './collect/inventory-table.ts'
import { gcpPermissions } from './permissions.ts'
import { type FakeGcp, fakeGcp, refusedSignIn, rsaKeys } from './testing.ts'

const projectId = 'acme-billing-1'
const email = `reader@${projectId}.iam.gserviceaccount.com`
const { publicKey, privateKey } = rsaKeys()
const key = { client_email: email, private_key: privateKey }

let google: Loopback | undefined
afterEach(async () => {
  await google?.close()
  google = undefined
})

async function verify(
  fake: Partial<FakeGcp> = {},
  given: {
    projectId?: string
    serviceAccount?: Partial<typeof key> & { token_uri?: string; universe_domain?: string }
  } = {},
) {
  google = await fakeGcp({ projectId, email, publicKey, ...fake })
  const clouds = createClouds({ endpoints: { gcp: { token: `${google.url}/token`, api: google.url } } })
  return await clouds.gcp.verify({
    cloud: 'gcp',
    projectId: given.projectId ?? projectId,
    serviceAccount: { ...key, ...given.serviceAccount },
  })
}

const missingOf = ({ missing }: { missing: { permission: string }[] }) => missing.map(({ permission }) => permission)
const googleSays =
  (path: string, status: number, reason: string): FakeGcp['override'] =>
  (request) =>
    request.path.includes(path)
      ? {
          status,
          body: {
            error: {
              code: status,
              message: 'refused. canary-from-google',
              errors: [{ reason }],
              details: [{ reason }],
            },
          },
        }
      : undefined

describe('a service account with the documented roles', () => {
  test('is accepted, with the name of the project', async () => {
    expect(await verify()).toEqual({ ok: true, problems: [], missing: [], accountName: 'Acme Google' })
  })

  test('signs in at our host and uses the token', async () => {
    await verify()
    expect(google?.seen.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
      `GET /bigquery/v2/projects/${projectId}/datasets`,
      `GET /v3/projects/${projectId}`,
      'POST /token',
      `POST /v3/projects/${projectId}:testIamPermissions`,
    ])
    expect(
      new Set(google?.seen.filter(({ path }) => path !== '/token').map(({ headers }) => headers.authorization)),
    ).toEqual(new Set(['Bearer token-of-google']))
  })

  test('calls no other host, whatever the environment or a redirect says', async () => {
    const elsewhere = await listen(() => ({ body: {} }))
    const otherHost = elsewhere.url.replace('127.0.0.1', 'localhost')
    vi.stubEnv('BIGQUERY_EMULATOR_HOST', otherHost)
    const override: FakeGcp['override'] = ({ path }) =>
      path.startsWith('/bigquery/') ? { status: 307, headers: { location: `${otherHost}/redirected` } } : undefined
    await expect(verify({ override })).rejects.toMatchObject({ code: 'unavailable' })
    vi.unstubAllEnvs()
    await elsewhere.close()
    expect(elsewhere.seen).toEqual([])
  })
})

describe('a key file', () => {
  test('with other URLs is accepted, and its URLs are ignored', async () => {
    const elsewhere = await listen(() => ({ body: { access_token: 'stolen' } }))
    const found = await verify(
      {},
      { serviceAccount: { token_uri: `${elsewhere.url}/token`, universe_domain: 'evil.example' } },
    )
    await elsewhere.close()
    expect(found).toMatchObject({ ok: true })
    expect(elsewhere.seen).toEqual([])
  })

  test.each(['', 'reader', 'reader@evil.example', 'a@b.iam.gserviceaccount.com/../x', `${email}\n`])(
    'of %j is refused without a call',
    async (client_email) => {
      expect(await verify({}, { serviceAccount: { client_email } })).toMatchObject({
        ok: false,
        problems: [{ code: 'credentials_refused' }],
      })
      expect(google?.seen).toEqual([])
    },
  )

  test.each([
    '',
    'canary',
    '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n',
    privateKey.replaceAll('\n', ''),
  ])('with an unreadable key is refused without a call', async (private_key) => {
    const found = await verify({}, { serviceAccount: { private_key } })
    expect(found).toMatchObject({
      ok: false,
      problems: [{ code: 'credentials_refused', message: expect.stringMatching(/private key cannot be read/) }],
    })
    expect(google?.seen).toEqual([])
  })

  test('with a deleted key is refused with advice', async () => {
    expect(await verify({}, { serviceAccount: { private_key: rsaKeys().privateKey } })).toMatchObject({
      problems: [{ code: 'credentials_refused', message: expect.stringMatching(/new JSON key/) }],
    })
  })

  test('of a deleted or disabled account is refused with advice', async () => {
    expect(
      await verify({}, { serviceAccount: { client_email: `gone@${projectId}.iam.gserviceaccount.com` } }),
    ).toMatchObject({
      problems: [{ code: 'credentials_refused', message: expect.stringMatching(/exists and is enabled/) }],
    })
    await google?.close()
    expect(await verify({ override: () => refusedSignIn('something new') })).toMatchObject({
      problems: [{ code: 'credentials_refused' }],
    })
  })
})

describe('a project', () => {
  test.each(['', 'short', '123456789', 'Acme-Billing', 'acme/../../x', 'acme-billing-1?x=', 'evil.example:443'])(
    'id %j is refused without a call',
    async (id) => {
      expect(await verify({}, { projectId: id })).toMatchObject({ ok: false, problems: [{ code: 'not_found' }] })
      expect(google?.seen).toEqual([])
    },
  )

  test('that is missing or invisible is refused', async () => {
    expect(await verify({}, { projectId: 'another-project' })).toMatchObject({
      ok: false,
      problems: [{ code: 'not_found' }],
    })
  })

  test.each([
    [':testIamPermissions', 'SERVICE_DISABLED', /Cloud Resource Manager API is not enabled/],
    ['/bigquery/', 'accessNotConfigured', /BigQuery API is not enabled/],
  ])('without the API at %s is refused with the API to enable', async (path, reason, advice) => {
    expect(await verify({ override: googleSays(path, 403, reason) })).toMatchObject({
      ok: false,
      problems: [{ code: 'not_found', message: expect.stringMatching(advice) }],
    })
  })
})

describe('permissions', () => {
  test('that are missing are listed with their purpose', async () => {
    const found = await verify({ lacks: ['compute.disks.list', 'resourcemanager.projects.get'] })
    expect(found).toEqual({
      ok: false,
      problems: [],
      missing: [
        { permission: 'resourcemanager.projects.get', neededFor: expect.any(String) },
        { permission: 'compute.disks.list', neededFor: expect.stringMatching(/disks/) },
      ],
    })
  })

  test('that only parts of the inventory need are listed, and refuse nothing', async () => {
    const found = await verify({ lacks: ['redis.instances.list'] })
    expect(found).toMatchObject({ ok: true, missing: [{ permission: 'redis.instances.list' }] })
  })

  test('of every list of the inventory are asked for', () => {
    const needed = lists.map(({ api }) => api.replace('.projects.locations.', '.').replace('aggregatedList', 'list'))
    expect(needed.filter((permission) => !(permission in gcpPermissions))).toEqual([])
  })

  const onTables = ['bigquery.datasets.get', 'bigquery.tables.list', 'bigquery.tables.get', 'bigquery.tables.getData']

  test('on the dataset of the export alone suffice', async () => {
    const datasets = {
      other: { gcp_billing_export_v1_X: [] },
      billing: { notes: [], gcp_billing_export_resource_v1_0A: ['bigquery.tables.get', 'bigquery.tables.getData'] },
    }
    expect(await verify({ lacks: onTables, datasets })).toMatchObject({ ok: true })
  })

  test('on another dataset do not suffice', async () => {
    expect(missingOf(await verify({ lacks: onTables, datasets: { notes: { letters: onTables } } }))).toEqual(onTables)
  })

  test('to list datasets are missing if BigQuery refuses', async () => {
    expect(missingOf(await verify({ override: googleSays('/bigquery/', 403, 'accessDenied') }))).toEqual([
      'bigquery.datasets.get',
    ])
  })
})

describe('Google Cloud without an answer', () => {
  const unavailable = expect.objectContaining({
    name: 'Fault',
    code: 'unavailable',
    message: expect.stringMatching(/Google Cloud does not answer/),
  })

  test('is a Fault if nothing listens', async () => {
    const url = await closedPortUrl()
    const clouds = createClouds({ endpoints: { gcp: { token: `${url}/token`, api: url } } })
    await expect(clouds.gcp.verify({ cloud: 'gcp', projectId, serviceAccount: key })).rejects.toEqual(unavailable)
  })

  test.each(['/token', '/v3/', '/bigquery/'])('is a Fault if %s fails', async (path) => {
    await expect(verify({ override: googleSays(path, 503, 'backendError') })).rejects.toEqual(unavailable)
  })

  test.each(['/token', '/v3/'])('is a Fault if %s redirects, and the redirect is not followed', async (path) => {
    const elsewhere = await listen(() => ({ body: { access_token: 'stolen', permissions: [] } }))
    const redirect: FakeGcp['override'] = (request) =>
      request.path.startsWith(path) ? { status: 307, headers: { location: elsewhere.url } } : undefined
    await expect(verify({ override: redirect })).rejects.toEqual(unavailable)
    await elsewhere.close()
    expect(elsewhere.seen).toEqual([])
  })
})

test.each([
  ['a refused key', () => refusedSignIn('canary')],
  ['a failing sign-in', googleSays('/token', 500, 'canary')],
  ['a failing project', googleSays('/v3/', 500, 'canary')],
  ['a hidden project', googleSays('/v3/', 403, 'canary')],
  ['a failing BigQuery', googleSays('/bigquery/', 500, 'canary')],
])('no secret is in the answer to %s or in a log', async (_, override) => {
  const { text, printed } = await outcomeOf(() => verify({ override }))
  expect(text).toMatch(/Fault|problems/)
  for (const shown of [text, printed]) {
    expect(shown).not.toMatch(/canary|token-of-google|PRIVATE KEY/)
    expect(shown).not.toContain(privateKey.split('\n')[1])
  }
})
