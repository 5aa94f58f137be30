import { DuckDBInstance } from '@duckdb/node-api'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Access, type BillDelivery, type CloudCredentials, Limits, type Problem } from '@cloudoptima/core'
import { normalize } from '@cloudoptima/lake'
import { createClouds } from '@cloudoptima/providers/access'
import { installAzurite, isInstalled, startAzurite } from '../../scripts/emulators/azurite.ts'

// Exports in Microsoft's emulator of Blob storage, and recorded answers of Azure, all over TLS.

const root = dirname(dirname(import.meta.dirname))
/** Set by `npm run emulators`, which may install. */
const canRun = process.env['EMULATORS'] !== undefined || isInstalled(root)
if (!canRun)
  process.stderr.write('skipped: Azure against its emulator, because `npm run emulators` has not installed it\n')
const recordings = resolve(root, '../shared/cases/clouds/azure')
const hasRecordings = existsSync(recordings)
if (canRun && !hasRecordings)
  process.stderr.write(`skipped: recorded answers of Azure, because ${recordings} is missing\n`)

const subscriptionId = 'ea42f556-5106-4743-99b0-c129bfa71a47'
const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const credentials: CloudCredentials = {
  cloud: 'azure',
  subscriptionId,
  tenantId,
  clientId: subscriptionId,
  clientSecret: 's',
}
// Of the recorded export.
const recordedAccount = 'cccmstorageceqqwjzvp2dii'
const now = new Date('2026-11-28T12:00:00Z')

/** What the resource manager answers, by the end of the path. */
let answers: Record<string, (body: string) => unknown> = {}
let folder = ''
let azurite: Awaited<ReturnType<typeof startAzurite>>
let server: Server
let problems: Problem[] = []
beforeEach(() => {
  answers = {}
  problems = []
})

/** Azurite checks the audience, the issuer and the times of a token. */
function tokenFor(scope: string): string {
  const seconds = Math.floor(Date.now() / 1000)
  const claims = {
    aud: new URL(scope).origin,
    iss: `https://sts.windows.net/${tenantId}/`,
    iat: seconds,
    nbf: seconds,
    exp: seconds + 3600,
  }
  return (
    [{ alg: 'HS256', typ: 'JWT' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.') + '.x'
  )
}

function answer(path: string, host: string, body: string): unknown {
  const authority = `https://${host}/${tenantId}`
  if (path.endsWith('/openid-configuration')) {
    const endpoint = (name: string) => `${authority}/oauth2/v2.0/${name}`
    return {
      issuer: `${authority}/v2.0`,
      token_endpoint: endpoint('token'),
      authorization_endpoint: endpoint('authorize'),
      jwks_uri: endpoint('keys'),
    }
  }
  if (path.endsWith('/token')) {
    const scope = new URLSearchParams(body).get('scope')?.split(' ')[0] ?? ''
    return { token_type: 'Bearer', expires_in: 3600, access_token: tokenFor(scope) }
  }
  const [, given] = Object.entries(answers).find(([end]) => path.endsWith(end)) ?? []
  return given?.(body) ?? { value: [], data: [], properties: {} }
}

function azure() {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const endpoints = { authority: url, resourceManager: url, blob: azurite.url }
  const access: Access = {
    credentials,
    meter: { take: async () => undefined },
    report: (problem) => void problems.push(problem),
    signal: new AbortController().signal,
    now: () => now,
  }
  return { azure: createClouds({ endpoints: { azure: endpoints } }).azure, access }
}

async function bills(): Promise<BillDelivery[]> {
  const made = azure()
  return await Array.fromAsync(made.azure.bills(made.access))
}

/** A request to the emulator as the owner of the storage account. */
async function storage(method: string, path: string, body?: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = {
    authorization: `Bearer ${tokenFor('https://storage.azure.com/.default')}`,
    'x-ms-version': '2023-11-03',
    'x-ms-blob-type': 'BlockBlob',
  }
  const response = await fetch(`${azurite.url}/${path}`, { method, headers, ...(body && { body }) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

const put = async (path: string, content: string | Uint8Array) =>
  await storage('PUT', `acmecosts/costs/${path}`, new Uint8Array(Buffer.from(content)))

function exported(name: string): unknown {
  const resourceId = `/subscriptions/${subscriptionId}/resourceGroups/finops/providers/Microsoft.Storage/storageAccounts/acmecosts`
  return {
    id: `subscriptions/${subscriptionId}/providers/Microsoft.CostManagement/exports/${name}`,
    name,
    properties: {
      definition: { type: 'FocusCost', timeframe: 'MonthToDate' },
      deliveryInfo: { destination: { type: 'AzureBlob', resourceId, container: 'costs', rootFolderPath: 'daily' } },
    },
  }
}

async function deliver(
  name: string,
  run: string,
  submittedTime: string,
  parts: Record<string, Uint8Array>,
): Promise<string> {
  const directory = `daily/${name}/20261101-20261130/${run}`
  for (const [part, bytes] of Object.entries(parts)) await put(`${directory}/${encodeURIComponent(part)}`, bytes)
  const manifest = {
    exportConfig: { exportName: name, dataVersion: '1.0r2', timeFrame: 'MonthToDate' },
    runInfo: { submittedTime, runId: run, startDate: '2026-11-01T00:00:00', endDate: '2026-11-30T00:00:00' },
    blobs: Object.entries(parts).map(([part, { length }]) => ({ blobName: `${directory}/${part}`, byteCount: length })),
  }
  await put(`${directory}/manifest.json`, JSON.stringify(manifest))
  return directory
}

const inFolder = async () => await mkdtemp(join(folder, 'fetch-'))

describe.skipIf(!canRun)('Azure', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloudoptima-azure-'))
    await installAzurite(root)
    azurite = await startAzurite(root, folder, ['acmecosts', recordedAccount])
    const [cert, key] = await Promise.all([azurite.cert, azurite.key].map(async (path) => await readFile(path, 'utf8')))
    setDefaultCACertificates([...getCACertificates('default'), cert ?? ''])
    server = createServer({ cert, key }, (request, response) => {
      const serve = async () => {
        const { pathname } = new URL(request.url ?? '', 'https://127.0.0.1')
        const body = answer(pathname, request.headers.host ?? '', await text(request))
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(typeof body === 'string' ? body : JSON.stringify(body))
      }
      void serve()
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    await storage('PUT', 'acmecosts/costs?restype=container')
  }, 180_000)
  afterAll(async () => {
    server?.closeAllConnections()
    server?.close()
    await azurite?.stop()
    await rm(folder, { recursive: true })
  })

  describe('exports in the Blob emulator', () => {
    it('arrive byte for byte, and the newest run of a month only', async () => {
      answers['/exports'] = () => ({ value: [exported('focus')] })
      const parts = { 'part_0_0001.csv.gz': gzipSync('a,b\n1,2\n'), 'part 1 +é&<.csv': Buffer.alloc(3_000_000, 'x') }
      await deliver('focus', 'a1', '2026-11-26T01:00:00.1234567Z', { 'part_0_0001.csv.gz': gzipSync('old') })
      await deliver('focus', 'b2', '2026-11-27T01:00:00.1234567Z', parts)
      const [delivery, ...more] = await bills()
      expect(more).toEqual([])
      expect(problems).toEqual([])
      const files = await delivery?.fetch(await inFolder())
      expect(files?.map(({ name }) => name)).toEqual(
        Object.keys(parts).map((name) => `daily/focus/20261101-20261130/b2/${name}`),
      )
      const contents = await Promise.all((files ?? []).map(async ({ path }) => await readFile(path)))
      expect(contents.map((bytes, i) => bytes.equals(Object.values(parts)[i] ?? Buffer.of()))).toEqual([true, true])
    })

    it.each([
      ['replaced', async (path: string) => await put(path, 'restated')],
      ['deleted', async (path: string) => await storage('DELETE', `acmecosts/costs/${path}`)],
    ])('that are %s while they are read are a conflict', async (_, change) => {
      answers['/exports'] = () => ({ value: [exported('restated')] })
      const directory = await deliver('restated', 'a1', '2026-11-27T01:00:00Z', {
        'part_0_0001.csv': Buffer.from('costs'),
      })
      const [delivery] = await bills()
      await change(`${directory}/part_0_0001.csv`)
      await expect(delivery?.fetch(await inFolder())).rejects.toMatchObject({ name: 'Fault', code: 'conflict' })
    })

    it.skipIf(!hasRecordings)('of the recorded list have no container here, which is reported', async () => {
      answers['/exports'] = () => recorded('CostManagementExportTest.common', /exports\?/)
      expect(await bills()).toEqual([])
      expect(problems).toMatchObject([
        { state: 'unavailable', part: 'exports/cccostexport', message: expect.stringMatching(/ContainerNotFound/) },
      ])
    })
  })

  describe('costs of the query API', () => {
    it('are a bill that the lake takes with exact totals', async () => {
      const amounts = ['12.50', '0.1000000000000000055511151231257827', '3.7308323144897e-06', '-1.5', '1E-5']
      const columns = ['Cost', 'UsageDate', 'ServiceName', 'ResourceLocation', 'Currency'].map((name) => ({ name }))
      const rows = amounts.map((amount) => `[${amount},20261103,"Storage, \\"hot\\"","EU West","EUR"]`)
      answers['/query'] = (body) =>
        body.includes('2026-11-01')
          ? `{"properties":{"columns":${JSON.stringify(columns)},"rows":[${rows.join()}]}}`
          : undefined
      const made = azure()
      const [delivery, ...more] = await Array.fromAsync(made.azure.preliminary(made.access))
      expect(more).toEqual([])
      const files = (await delivery?.fetch(await inFolder())) ?? []
      const options = {
        workDir: await inFolder(),
        snapshotId: 'imp_test',
        memoryLimit: '300MB',
        limits: Limits.standard,
      }
      const { partitions } = await normalize(files, options)
      expect(partitions).toMatchObject([
        {
          provider: 'Microsoft',
          billingAccountId: `/subscriptions/${subscriptionId}`,
          period: '2026-11',
          control: [{ currency: 'EUR', metric: 'billed', total: '11.100013730832314496', rows: 10 }],
        },
      ])
      const database = await DuckDBInstance.create(':memory:')
      const connection = await database.connect()
      const paths = partitions.flatMap((each) => each.files.costs).map((path) => `'${path}'`)
      const found = await connection.runAndReadAll(
        `SELECT DISTINCT SubAccountId, ServiceName, RegionId, ChargePeriodStart::VARCHAR AS day FROM read_parquet([${paths.join()}])`,
      )
      expect(found.getRowObjects()).toEqual([
        {
          SubAccountId: `/subscriptions/${subscriptionId}`,
          ServiceName: 'Storage, "hot"',
          RegionId: 'euwest',
          day: '2026-11-03 00:00:00',
        },
      ])
      connection.closeSync()
      database.closeSync()
    })

    it.skipIf(!hasRecordings)('without days, as recorded, are refused instead of misread', async () => {
      answers['/query'] = () => recorded('CostFilterTest.test_cost_resource', /query\?/)
      const made = azure()
      await expect(Array.fromAsync(made.azure.preliminary(made.access))).rejects.toMatchObject({
        name: 'Fault',
        code: 'unavailable',
      })
    })
  })

  it.skipIf(!hasRecordings)('answers Resource Graph as recorded', async () => {
    answers['/Microsoft.ResourceGraph/resources'] = (body) =>
      body.includes('Microsoft.Compute/virtualMachines')
        ? objects(
            recorded(`ResourceGraphSource.test_resource_graph_and_arm_sources_vm_are_equivalent`, /ResourceGraph/),
          )
        : undefined
    const made = azure()
    const parts = await Array.fromAsync(made.azure.inventory(made.access))
    expect(problems).toEqual([])
    expect(parts.flatMap(({ resources }) => resources)).toEqual([
      {
        id: `/subscriptions/${subscriptionId}/resourcegroups/test_vm/providers/microsoft.compute/virtualmachines/cctestvm`,
        kind: 'instance',
        name: 'cctestvm',
        type: 'Basic_A0',
        status: 'unknown',
        region: 'southcentralus',
        tags: { schedule: 'on=(M-U,8);off=(M-U,18);tz=pt', testtag: 'testvalue' },
        configuration: { osType: 'Linux', dataDisks: 1 },
      },
    ])
  })
})

/** The recorded answer to a request whose URL matches. */
function recorded(name: string, url: RegExp): unknown {
  const { interactions } = JSON.parse(readFileSync(join(recordings, `${name}.json`), 'utf8')) as {
    interactions: { request: { uri: string }; response: { body: { data: unknown } } }[]
  }
  return interactions.find(({ request }) => url.test(request.uri))?.response.body.data
}

/** The recorded table as the list of objects that later versions answer. */
function objects(answer: unknown): unknown {
  const { data, ...page } = answer as { data: { columns: { name: string }[]; rows: unknown[][] } }
  const list = data.rows.map((row) => Object.fromEntries(data.columns.map(({ name }, i) => [name, row[i]])))
  // The recording says two, because one was deleted from it.
  return { ...page, totalRecords: list.length, data: list }
}
