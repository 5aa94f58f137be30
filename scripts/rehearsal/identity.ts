import { randomBytes, randomUUID } from 'node:crypto'
import type { Account } from './account.ts'
import { poll, type Ask } from './api.ts'

/** Rotates the signing keys step by step, because the emulator does not, unlike Secrets Manager. */
export async function rotateSigningKeys(
  account: Account,
  { signingKeysArn: SecretId, rotateKeysName }: { signingKeysArn: string; rotateKeysName: string },
) {
  const secrets = async <Answer>(action: string, body: object) =>
    await account.call<Answer>('secretsmanager', `secretsmanager.${action}`, { SecretId, ...body })
  await secrets('RotateSecret', { RotationRules: { AutomaticallyAfterDays: 30 } })
  const ClientRequestToken = randomUUID()
  // AWS creates a pending version without text before the first step.
  await secrets('PutSecretValue', {
    ClientRequestToken,
    SecretBinary: randomBytes(1).toString('base64'),
    VersionStages: ['AWSPENDING'],
  })
  for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
    await account.invoke(rotateKeysName, { SecretId, ClientRequestToken, Step })
  const { VersionId } = await secrets<{ VersionId: string }>('GetSecretValue', {})
  if (VersionId !== ClientRequestToken) throw new Error('The new keys are not the current version of the secret.')
}

interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
}

const someone = { email: 'cfo@customer.example', password: 'correct horse battery staple' }

/** Registers, signs in and refreshes; returns the refreshed tokens. */
export async function signIn(anyone: Ask): Promise<Tokens> {
  const registered = await anyone<Tokens & { user_id: string }>('POST', '/v1/auth/register', 201, {
    ...someone,
    company_name: 'Customer',
    role: 'cfo',
  })
  if (!registered.access_token || !registered.user_id)
    throw new Error(`The registration returned no token, but ${Object.keys(registered).join()}.`)
  const { refresh_token } = await anyone<Tokens>('POST', '/v1/auth/login', 200, someone)
  const refreshed = await anyone<Tokens>('POST', '/v1/auth/refresh', 200, { refresh_token })
  if (refreshed.expires_in !== 900)
    throw new Error(`An access token is valid for ${refreshed.expires_in} s instead of 900 s.`)
  return refreshed
}

/** Checks that the key that signed the token is public. */
export async function checkSignature(anyone: Ask, token: string): Promise<void> {
  const { keys } = await anyone<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json', 200)
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }
  if (!keys.some((key) => key.kid === kid))
    throw new Error(`The key ${kid} is not public. Public keys: ${keys.map((key) => key.kid).join()}.`)
}

/** Checks that the registration was mailed, with the stage's sender and the API's address, and confirms the address. */
export async function confirmAddress(anyone: Ask, account: Account, apiUrl: string): Promise<void> {
  const found = await poll(
    async () => await account.mails(),
    (mails) => mails.length > 0,
  )
  const mail = found.find(({ To }) => To.includes(someone.email))
  if (mail?.Source !== 'no-reply@rehearsal.example' || !mail.BodyText.includes(apiUrl))
    throw new Error(`The mail is missing or wrong: ${JSON.stringify(found)}`)
  const [, token] = /"token":"([^"]+)"/.exec(mail.BodyText) ?? []
  await anyone('POST', '/v1/auth/email/verify', 200, { token })
}

const approver = 'approver@customer.example'

/** Invites a person who may approve; the mailed token creates the account. Returns the address. */
export async function inviteApprover(user: Ask, anyone: Ask, account: Account): Promise<string> {
  await user('POST', '/v1/invitations', 201, { email: approver, role: 'cfo' })
  const mails = await poll(
    async () => (await account.mails()).filter(({ To }) => To.includes(approver)),
    (found) => found.length > 0,
  )
  const [, token] = /"token":"([^"]+)"/.exec(mails[0]?.BodyText ?? '') ?? []
  const { password } = someone
  await anyone('POST', '/v1/auth/invitations/accept', 201, { token, password, full_name: 'Approver' })
  return approver
}
