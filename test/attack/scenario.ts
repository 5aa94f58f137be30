import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { routes } from '@cloudoptima/api'
import type { Product } from '@cloudoptima/local'
import { bearer, operation, requestOf } from './request.ts'
import { type Canary, canaryOf, password, secretPart, serviceAccount, totp } from './secrets.ts'

type Json = Record<string, unknown>

/** The answers of a scenario that calls all operations, and the secrets in its requests and answers. */
export interface Scenario {
  canaries: Canary[]
  answers: { id: string; status: number; text: string }[]
  /** Operations outside the scenario, called with their examples. */
  withExample: string[]
}

/** Uses the product from the registration of an organization on, with every kind of secret. */
export async function runScenario(product: Product, provider: string): Promise<Scenario> {
  const scenario: Scenario = { canaries: [], answers: [], withExample: [] }
  const base = product.api?.replace(/\/v1$/, '') ?? ''
  const plant = (name: string, secret: string): string => {
    scenario.canaries.push(canaryOf(name, secret))
    return secret
  }
  const send = async (
    id: string,
    path: string,
    init: RequestInit,
  ): Promise<{ status: number; body: Json; headers: Headers }> => {
    const response = await fetch(base + path, { ...init, redirect: 'manual' })
    const text = await response.text()
    scenario.answers.push({ id, status: response.status, text: JSON.stringify([...response.headers]) + text })
    const body = text.startsWith('{') ? (JSON.parse(text) as Json) : {}
    for (const kind of ['access', 'refresh'])
      if (response.ok && typeof body[`${kind}_token`] === 'string')
        plant(`${kind} token of ${id}`, secretPart(String(body[`${kind}_token`])))
    return { status: response.status, body, headers: response.headers }
  }
  const ask = async (id: string, input: Json = {}, token?: unknown, headers: Record<string, string> = {}) => {
    const { path, init } = requestOf(operation(id), {
      input,
      headers: { ...headers, ...(typeof token === 'string' && bearer(token)) },
    })
    return await send(id, path, init)
  }
  /** Waits for a mail and returns its token. */
  const mailed = async (to: string, word: string): Promise<string> => {
    for (let n = 0; n < 200; n++) {
      const mail = (await product.services.mails.list()).find((each) => each.to === to && each.subject.includes(word))
      const [, token] = /"token":"([^"]+)"/.exec(mail?.text ?? '') ?? []
      if (token !== undefined) {
        plant(`mailed token: ${word}`, secretPart(token))
        return token
      }
      await setTimeout(20)
    }
    throw new Error(`No mail to ${to} with "${word}" in its subject arrived within 4 s`)
  }
  const client = { plant, ask, mailed }
  const admin = await registerAdmin(client)
  await setUpOrganization(client, admin, provider)
  await sendInvalidRequests({ plant, send, ask }, admin)
  const lists = routes.filter(
    ({ method, id }) => method === 'get' && !id.startsWith('openid') && id !== 'users.get' && id !== 'imports.get',
  )
  for (const { id } of lists)
    await ask(id, id === 'audit.list' ? { action: '*', result: 'success', page_size: 100 } : {}, admin)
  await endSessionsAndSettings(client, admin)
  const called = new Set(scenario.answers.map(({ id }) => id))
  scenario.withExample = routes.map(({ id }) => id).filter((id) => !called.has(id))
  for (const id of scenario.withExample) await ask(id, {}, admin)
  return scenario
}

interface ScenarioClient {
  plant(name: string, secret: string): string
  ask(
    id: string,
    input?: Json,
    token?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Json; headers: Headers }>
  mailed(to: string, word: string): Promise<string>
}

/** Registers the admin, and resets, changes and protects the password. Returns the last access token. */
async function registerAdmin({ plant, ask, mailed }: ScenarioClient): Promise<unknown> {
  const email = 'ada@canary.example'
  const [first, second, third] = ['first', 'second', 'third'].map((name) => plant(`password ${name}`, password(name)))
  const registration = { email, password: first, company_name: 'canary company' }
  let registered: Json = {}
  for (let n = 0; n < 2; n++)
    registered = (await ask('auth.register', registration, undefined, { 'Idempotency-Key': 'register' })).body
  await mailed(email, 'Confirm')
  await ask('auth.resend-verification', {}, registered['access_token'])
  await setTimeout(500)
  await ask('auth.verify-email', { token: await mailed(email, 'Confirm') })
  await ask('auth.login', { email, password: plant('wrong password', password('wrong')) })
  await ask('auth.forgot-password', { email })
  await ask('auth.reset-password', { token: await mailed(email, 'new password'), new_password: second })
  const { body: signedIn } = await ask('auth.login', { email, password: second })
  const { body: renewed } = await ask('auth.refresh', { refresh_token: signedIn['refresh_token'] })
  await ask('auth.change-password', { current_password: second, new_password: third }, renewed['access_token'])
  const { body: begun } = await ask('totp.begin', { password: third }, renewed['access_token'])
  const secret = plant('TOTP secret', String(begun['secret']))
  await ask('totp.confirm', { code: '000000' }, renewed['access_token'])
  const { body: confirmed } = await ask(
    'totp.confirm',
    { code: totp(secret, Date.now() - 30_000) },
    renewed['access_token'],
  )
  for (const code of confirmed['recovery_codes'] as string[]) plant('recovery code', code)
  const recovery = (confirmed['recovery_codes'] as string[])[0]
  await ask('auth.login', { email, password: third, totp_code: totp(secret) })
  const { body: last } = await ask('auth.login', { email, password: third, totp_code: recovery })
  await ask('totp.disable', { password: third, code: totp(secret, Date.now() + 30_000) }, last['access_token'])
  const { body: other } = await ask('auth.login', { email, password: third })
  await ask('auth.logout', {}, other['access_token'])
  return last['access_token']
}

/** Adds members, API keys, cloud accounts, an identity provider and a token issuer. */
async function setUpOrganization(
  { plant, ask, mailed }: ScenarioClient,
  admin: unknown,
  provider: string,
): Promise<void> {
  const { body: invitation } = await ask('invitations.create', { email: 'grace@canary.example', role: 'viewer' }, admin)
  const token = await mailed('grace@canary.example', 'invited')
  const accepted = { token, password: plant('password of the invited', password('invited')) }
  let joined: Json = {}
  for (let n = 0; n < 2; n++)
    joined = (await ask('invitations.accept', accepted, undefined, { 'Idempotency-Key': 'accept' })).body
  const made = []
  for (let n = 0; n < 2; n++)
    made.push((await ask('api-keys.create', { permissions: ['read:costs'] }, admin, { 'Idempotency-Key': 'key' })).body)
  plant('API key', secretPart(String(made[0]?.['key'])))
  await ask('costs.overview', {}, made[0]?.['key'])
  await ask('api-keys.revoke', { id: made[0]?.['id'] }, admin)
  const { body: setup } = await ask('cloud-accounts.setup-aws', {}, admin)
  const { body: aws } = await ask('cloud-accounts.connect-aws', { external_id: setup['external_id'] }, admin)
  const secret = plant('secret of Azure', password('azure'))
  for (let n = 0; n < 2; n++)
    await ask('cloud-accounts.connect-azure', { client_secret: secret }, admin, { 'Idempotency-Key': 'azure' })
  const { json, secret: line } = serviceAccount()
  plant('key of a service account', line)
  for (let n = 0; n < 2; n++)
    await ask('cloud-accounts.connect-gcp', { service_account_json: json }, admin, { 'Idempotency-Key': 'gcp' })
  const { body: accounts } = await ask('cloud-accounts.list', { provider: 'azure', status: 'error' }, admin)
  const found = [aws, ...((accounts['accounts'] ?? []) as Json[])].flatMap(({ id }) => (id === undefined ? [] : [id]))
  for (const id of found) await ask('cloud-accounts.verify', { id }, admin)
  const act = { client_id: 'actor', client_secret: plant('secret of Azure for actions', password('act')) }
  for (const id of found) await ask('cloud-accounts.allow-actions', { id, ...act, service_account_json: json }, admin)
  for (const operation of ['cloud-accounts.sync', 'cloud-accounts.syncs', 'cloud-accounts.freshness'])
    await ask(operation, { id: found[0] }, admin)
  for (const group of ['compute', 'storage', 'network', 'database']) await ask(`resources.${group}`, {}, admin)
  await ask('resources.get', { id: 'i-0123456789abcdef0' }, admin)
  await ask('cloud-accounts.delete', { id: found.at(-1) }, admin)
  await ask('organization.update', { name: 'canary company' }, admin)
  await ask('token-issuer.put', { issuer: provider }, admin)
  await failOpenIdSignIn({ plant, ask }, admin, provider)
  const { body: delivery } = await ask('imports.create', {}, admin)
  for (const id of ['imports.get', 'imports.start']) await ask(id, { id: delivery['id'] }, admin)
  await ask('invitations.revoke', { id: invitation['id'] }, admin)
  const { body: another } = await ask('invitations.create', { email: 'hopper@canary.example' }, admin)
  await ask('invitations.revoke', { id: another['id'] }, admin)
  for (const id of ['users.get', 'users.end-sessions', 'users.change-role', 'users.deactivate', 'users.reactivate'])
    await ask(id, { id: joined['user_id'] }, admin)
}

/** A sign-in with a provider that repeats the request in its refusal. */
async function failOpenIdSignIn(
  { plant, ask }: Pick<ScenarioClient, 'plant' | 'ask'>,
  admin: unknown,
  provider: string,
): Promise<void> {
  await ask(
    'sign-in.put',
    { issuer: provider, client_secret: plant('secret of the provider', password('provider')) },
    admin,
  )
  const { body: me } = await ask('me.get', {}, admin)
  const { headers } = await ask('openid.begin', { organization_id: (me['organization'] as Json)['id'] })
  const [cookie = ''] = (headers.get('Set-Cookie') ?? '').split(';')
  const state = new URL(headers.get('Location') ?? provider).searchParams.get('state') ?? ''
  await ask(
    'openid.finish',
    { state, code: plant('code of the provider', password('code').replaceAll(' ', '-')) },
    undefined,
    { Cookie: cookie },
  )
}

/** Sends invalid requests that contain secrets. */
async function sendInvalidRequests(
  {
    plant,
    send,
    ask,
  }: Pick<ScenarioClient, 'plant' | 'ask'> & { send(id: string, path: string, init: RequestInit): Promise<unknown> },
  admin: unknown,
): Promise<void> {
  const secret = plant('password in a wrong request', password('mistaken'))
  // Short enough for V8 to quote it in the message of a JSON error.
  const short = plant('short password in a wrong request', `k${randomBytes(5).toString('hex')}`)
  const post = async (id: string, body: string) =>
    await send(id, operation(id).path, {
      method: operation(id).method.toUpperCase(),
      body,
      headers: { 'Content-Type': 'application/json', ...bearer(String(admin)) },
    })
  for (const id of ['auth.login', 'auth.register', 'cloud-accounts.connect-azure', 'sign-in.put', 'totp.begin']) {
    for (const body of [
      `{"p":${short}}`,
      `{"password":${secret}}`,
      `{"password":"${secret}`,
      `{"password":"${secret}"} ${secret}`,
      `"${secret}"`,
      `["${secret}"]`,
      JSON.stringify({ email: secret, client_secret: [secret], password: { secret } }),
    ])
      await post(id, body)
  }
  await ask('auth.login', { email: 'ada@canary.example', password: secret.repeat(20) })
  await ask('auth.refresh', { refresh_token: secret })
  await ask('me.get', {}, secret)
  await ask('api-keys.create', { permissions: [secret], name: '' }, admin, { 'Idempotency-Key': 'mistaken' })
  await ask(
    'cloud-accounts.connect-gcp',
    { service_account_json: Buffer.from(`{"private_key":"${secret}`).toString('base64') },
    admin,
  )
}

/** Ends sessions and removes settings, after everything that needs them. */
async function endSessionsAndSettings({ ask }: ScenarioClient, admin: unknown): Promise<void> {
  const { body } = await ask('sessions.list', {}, admin)
  const other = (body['sessions'] as Json[]).find((session) => session['is_current'] !== true)
  await ask('sessions.end', { id: other?.['id'] }, admin)
  for (const id of ['me.update', 'sessions.end-others', 'sign-in.delete', 'token-issuer.delete'])
    await ask(id, {}, admin)
}
