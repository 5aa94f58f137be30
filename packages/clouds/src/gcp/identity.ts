import { createPublicKey, createVerify, generateKeyPair, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Reply } from '@cloudoptima/providers/testing/aws'
import { Random } from '@cloudoptima/sample'
import type { BillingAccount, Operations, ServiceAccount } from './operation.ts'
import { numberOf } from './resource.ts'

/** A project, and the service account that may read it. */
export interface GcpProject {
  projectId: string
  serviceAccount: ServiceAccount
}

/** A service account whose key stays the same from start to start, because the product keeps a copy of it. */
export async function serviceAccountOf(project: string, dir: string): Promise<ServiceAccount> {
  const path = join(dir, `${project}.pem`)
  const private_key = await readFile(path, 'utf8').catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return await writeKey(path, dir)
  })
  return {
    type: 'service_account',
    project_id: project,
    private_key_id: Random.hex(Random.hash(private_key), 40),
    private_key,
    client_email: `cloudoptima-read@${project}.iam.gserviceaccount.com`,
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
  return {
    /** https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests */
    open: (body: string): Reply => {
      const [header = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.')
      const {
        iss,
        aud,
        scope = '',
      }: { iss?: string; aud?: string; scope?: string } = JSON.parse(Buffer.from(claims, 'base64url').toString())
      const account = accounts.find(({ serviceAccount }) => serviceAccount.client_email === iss)
      if (!account) return refused('Invalid grant: account not found')
      const key = createPublicKey(account.serviceAccount.private_key)
      const isSigned = createVerify('sha256').update(`${header}.${claims}`).verify(key, signature, 'base64url')
      if (!isSigned) return refused('Invalid JWT Signature.')
      if (aud !== 'https://oauth2.googleapis.com/token') return refused('Invalid JWT: Failed audience check.')
      const access_token = `ya29.${randomBytes(48).toString('base64url')}`
      open.set(access_token, { account, canAct: /\/auth\/(compute|cloud-platform)( |$)/.test(scope) })
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
