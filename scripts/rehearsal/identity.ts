import { randomBytes, randomUUID } from 'node:crypto'
import type { Account } from './account.ts'
import { poll, type Ask } from './api.ts'

/** What Secrets Manager does by itself every 30 days, which the emulator does not: it hands the function one step after the other. */
export async function rotateSigningKeys(
  account: Account,
  { signingKeysArn: SecretId, rotateKeysName }: { signingKeysArn: string; rotateKeysName: string },
) {
  const secrets = async <Answer>(action: string, body: object) =>
    await account.call<Answer>('secretsmanager', `secretsmanager.${action}`, { SecretId, ...body })
  await secrets('RotateSecret', { RotationRules: { AutomaticallyAfterDays: 30 } })
  const ClientRequestToken = randomUUID()
  // A version that is pending and has no text: AWS makes it so before the first step.
  await secrets('PutSecretValue', {
    ClientRequestToken,
    SecretBinary: randomBytes(1).toString('base64'),
    VersionStages: ['AWSPENDING'],
  })
  for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
    await account.invoke(rotateKeysName, { SecretId, ClientRequestToken, Step })
  const { VersionId } = await secrets<{ VersionId: string }>('GetSecretValue', {})
  if (VersionId !== ClientRequestToken) throw new Error('the keys that were made are not those in use')
}

interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
}

const someone = { email: 'cfo@customer.example', password: 'correct horse battery staple' }

/** Registers and signs in; answers the access token that a refresh gave. */
export async function signIn(anyone: Ask): Promise<Tokens> {
  const registered = await anyone<Tokens & { user_id: string }>('POST', '/v1/auth/register', 201, {
    ...someone,
    company_name: 'Customer',
    role: 'cfo',
  })
  if (!registered.access_token || !registered.user_id)
    throw new Error(`registered without a token: ${Object.keys(registered).join()}`)
  const { refresh_token } = await anyone<Tokens>('POST', '/v1/auth/login', 200, someone)
  const refreshed = await anyone<Tokens>('POST', '/v1/auth/refresh', 200, { refresh_token })
  if (refreshed.expires_in !== 900) throw new Error(`an access token is good for ${refreshed.expires_in} s`)
  return refreshed
}

/** The token is signed by a key that anybody can look up. */
export async function checkSignature(anyone: Ask, token: string): Promise<void> {
  const { keys } = await anyone<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json', 200)
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }
  if (!keys.some((key) => key.kid === kid))
    throw new Error(`key ${kid} is not public; those are: ${keys.map((key) => key.kid).join()}`)
}

/** The bus woke the function that mails, and that sent to the one address from the other. */
export async function expectMail(account: Account, apiUrl: string): Promise<void> {
  const found = await poll(
    async () => await account.mails(),
    (mails) => mails.length > 0,
  )
  const mail = found.find(({ To }) => To.includes(someone.email))
  if (mail?.Source !== 'no-reply@rehearsal.example' || !mail.BodyText.includes(apiUrl))
    throw new Error(`not the mail that was expected: ${JSON.stringify(found)}`)
}
