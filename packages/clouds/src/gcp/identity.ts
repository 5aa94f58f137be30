import { createPublicKey, createVerify, generateKeyPair, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Reply } from '@cloudoptima/providers/testing/aws'
import { Random } from '@cloudoptima/sample'
import type { BillingAccount, Operations, ServiceAccount } from './operation.ts'
import { numberOf } from './resource.ts'

/** A project, and a service account that may read it. */
export interface GcpProject {
  projectId: string
  serviceAccount: ServiceAccount
}

/** A service account whose key stays the same from start to start, because the product keeps a copy of it. */
export async function serviceAccountOf(project: string, dir: string, role: 'read' | 'act'): Promise<ServiceAccount> {
  const path = join(dir, `${project}${role === 'act' ? '-act' : ''}.pem`)
  const private_key = await readFile(path, 'utf8').catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return await writeKey(path, dir)
  })
  return {
    type: 'service_account',
    project_id: project,
    private_key_id: Random.hex(Random.hash(private_key), 40),
    private_key,
    client_email: `cloudoptima-${role}@${project}.iam.gserviceaccount.com`,
    token_uri: '',
  }
}

async function writeKey(path: string, dir: string): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  await mkdir(dir, { recursive: true })
  await writeFile(`${path}.part`, privateKey, { mode: 0o600 })
  await rename(`${path}.part`, path)
  return privateKey
}

/** The access tokens of service accounts. */
export function tokensOf(accounts: readonly BillingAccount[]) {
  const open = new Map<string, { account: BillingAccount; canAct: boolean }>()
  const holders = accounts.flatMap((account) =>
    [account.serviceAccount, account.actingAccount].map((signer) => [account, signer] as const),
  )
  return {
    /** https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests */
    open: (body: string): Reply => {
      const [header = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.')
      const {
        iss,
        aud,
        scope = '',
      }: { iss?: string; aud?: string; scope?: string } = JSON.parse(Buffer.from(claims, 'base64url').toString())
      const [account, signer] = holders.find(([, { client_email }]) => client_email === iss) ?? []
      if (!account || !signer) return refused('Invalid grant: account not found')
      const key = createPublicKey(signer.private_key)
      const isSigned = createVerify('sha256').update(`${header}.${claims}`).verify(key, signature, 'base64url')
      if (!isSigned) return refused('Invalid JWT Signature.')
      if (aud !== 'https://oauth2.googleapis.com/token') return refused('Invalid JWT: Failed audience check.')
      const access_token = `ya29.${randomBytes(48).toString('base64url')}`
      const canAct = signer === account.actingAccount && /\/auth\/(compute|cloud-platform)( |$)/.test(scope)
      open.set(access_token, { account, canAct })
      return { body: { access_token, expires_in: 3599, token_type: 'Bearer' } }
    },
    holderOf: (authorization = '') => open.get(authorization.replace(/^Bearer /, '')),
  }
}

const refused = (error_description: string): Reply => ({
  status: 400,
  body: { error: 'invalid_grant', error_description },
})

/** Of Resource Manager. */
export const identity: Operations = {
  'cloudresourcemanager.projects.get': [
    '/v3/projects/{project}',
    ({ account, project }) => ({
      name: `projects/${projectNumber(project)}`,
      projectId: project,
      displayName: account.estate.subAccounts.find(({ id }) => id === project)?.name,
      state: 'ACTIVE',
    }),
  ],
  // All that is asked for is granted.
  'cloudresourcemanager.projects.testIamPermissions': [
    '/v3/projects/{project}:testIamPermissions',
    ({ body }) => JSON.parse(body),
  ],
}

const projectNumber = (project: string): string => numberOf(project).slice(0, 12)
