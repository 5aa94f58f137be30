import { createVerify, generateKeyPairSync } from 'node:crypto'
import { listen, type Loopback, type Reply, type ReceivedRequest } from '../testing/loopback.ts'

/** The behavior of a fake Google Cloud. */
export interface FakeGcp {
  projectId: string
  email: string
  /** The key that assertions must be signed with. */
  publicKey: string
  /** Missing permissions on the project. */
  lacks?: readonly string[]
  /** Datasets, their tables, and the permissions on each table. */
  datasets?: Record<string, Record<string, readonly string[]>>
  /** Overrides the answer to a request. */
  override?: ((request: ReceivedRequest) => Reply | undefined) | undefined
}

/** A key pair like that of a service account. */
export function rsaKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

/** A fake of Google's sign-in, Resource Manager and BigQuery. */
export async function fakeGcp(fake: FakeGcp): Promise<Loopback> {
  return await listen((request) => {
    const { path } = request
    const overridden = fake.override?.(request)
    if (overridden) return overridden
    if (path === '/token') return signedIn(fake, request)
    return path.startsWith('/bigquery/v2/') ? queried(fake, request) : managed(fake, request)
  })
}

function signedIn({ email, publicKey }: FakeGcp, { body }: ReceivedRequest): Reply {
  const [header = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.')
  if (!createVerify('sha256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url'))
    return refusedSignIn('Invalid JWT Signature.')
  const { iss, aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iss: string; aud: string }
  if (iss !== email) return refusedSignIn('Invalid grant: account not found')
  return aud === 'https://oauth2.googleapis.com/token'
    ? { body: { access_token: 'token-of-google', expires_in: 3599, token_type: 'Bearer' } }
    : refusedSignIn('Invalid audience')
}

/** A refusal of a sign-in. */
export function refusedSignIn(error_description: string): Reply {
  return { status: 400, body: { error: 'invalid_grant', error_description } }
}

function managed({ projectId, lacks = [] }: FakeGcp, { path, body }: ReceivedRequest): Reply {
  if (!path.startsWith(`/v3/projects/${projectId}`))
    return { status: 403, body: { error: { code: 403, status: 'PERMISSION_DENIED' } } }
  if (path.endsWith(':testIamPermissions'))
    return {
      body: {
        permissions: (JSON.parse(body) as { permissions: string[] }).permissions.filter(
          (permission) => !lacks.includes(permission),
        ),
      },
    }
  return lacks.includes('resourcemanager.projects.get')
    ? { status: 403, body: { error: { code: 403 } } }
    : { body: { projectId, displayName: 'Acme Google' } }
}

function queried({ projectId, datasets = {} }: FakeGcp, { path, body }: ReceivedRequest): Reply {
  const [, dataset = '', , table = ''] = path.slice(`/bigquery/v2/projects/${projectId}`.length).split('/').slice(1)
  if (path.endsWith(':testIamPermissions')) {
    const held = datasets[dataset]?.[table.split(':')[0] ?? ''] ?? []
    return {
      body: {
        permissions: (JSON.parse(body) as { permissions: string[] }).permissions.filter((permission) =>
          held.includes(permission),
        ),
      },
    }
  }
  if (path.endsWith('/tables'))
    return {
      body: {
        tables: Object.keys(datasets[dataset] ?? {}).map((tableId) => ({
          id: `${projectId}:${dataset}.${tableId}`,
          tableReference: { projectId, datasetId: dataset, tableId },
        })),
      },
    }
  return {
    body: {
      datasets: Object.keys(datasets).map((datasetId) => ({
        id: `${projectId}:${datasetId}`,
        datasetReference: { projectId, datasetId },
      })),
    },
  }
}
