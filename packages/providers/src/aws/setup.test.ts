import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { awsSetup } from './setup.ts'

const awsCredentials = { accessKeyId: 'canary-key-id', secretAccessKey: 'canary-secret' }

/** A fake STS with this answer. */
async function sts(status: number, body: string): Promise<string> {
  const server = createServer((_, response) =>
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the principal of a role is our own account for any caller in it', async () => {
  const said =
    '<Arn>arn:aws-cn:sts::111122223333:assumed-role/Requests/x</Arn><Account>111122223333</Account><UserId>u</UserId>'
  const answer =
    '<GetCallerIdentityResponse ' +
    `xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${said}</GetCallerIdentityResult></GetCallerIdentityResponse>`
  expect(await awsSetup({ endpoints: { aws: await sts(200, answer) }, awsCredentials }).principal()).toBe(
    'arn:aws-cn:iam::111122223333:root',
  )
})

test('if AWS refuses our credentials, the Fault does not contain them', async () => {
  const answer =
    '<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>canary-key-id is not ' +
    'known</Message></Error></ErrorResponse>'
  const refused = awsSetup({ endpoints: { aws: await sts(403, answer) }, awsCredentials }).principal()
  await expect(refused).rejects.toMatchObject({ code: 'unavailable', message: expect.not.stringContaining('canary') })
})

test('without own credentials there is no principal', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, '')
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/dev/null')
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await awsSetup({ endpoints: { aws: await sts(500, '') } }).principal()).toBeUndefined()
})
