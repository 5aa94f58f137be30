import { setTimeout as sleep } from 'node:timers/promises'
import { createAccount } from './account.ts'
import { actOnAdvice, chargeWaste, createVolume, findAdvice, keepIdle } from './advice.ts'
import { createApi, type Ask } from './api.ts'
import { automate } from './automation.ts'
import { createClient } from './client.ts'
import { collected, findInstance, runInstance } from './collection.ts'
import { connectAws } from './connection.ts'
import type { Emulator } from './emulator.ts'
import { checkSignature, confirmAddress, rotateSigningKeys, signIn } from './identity.ts'
import { deliverExport, findExport } from './export.ts'
import { createCourier } from './imports.ts'
import { relayWhatWasLeft } from './relay.ts'
import { sweepWhatWasLeft } from './sweep.ts'
import { expected, expectEqual, reconcile, sum } from './totals.ts'
import { keepContract } from './workflows.ts'

/** An AWS sub-account in the FOCUS sample, and the number of its rows. */
const member = { id: '11353890204', rows: 225 }

/** The outputs of the deployment. */
export interface Outputs {
  apiUrl: string
  billsMachineArn: string
  remediationMachineArn: string
  signingKeysArn: string
  rotateKeysName: string
  setTierName: string
  tableName: string
  sweepName: string
  relayName: string
}

interface Play extends Outputs {
  emulator: Emulator
  bill: Buffer
  step<Result>(title: string, run: () => Result | Promise<Result>): Promise<Result>
  /** Prints what a step found. */
  note(line: string): void
}

/** The path of a customer: registration, account, bill, answers, sign-out. */
export async function rehearse({ emulator, bill: sample, step, note, ...outputs }: Play): Promise<void> {
  const { apiUrl, billsMachineArn, remediationMachineArn: machineArn } = outputs
  const client = createClient(emulator)
  const account = createAccount(emulator)
  const as = createApi(client, emulator.reach(apiUrl))
  const anyone = as()

  await step(
    'Step Functions keeps the contract of workflows, as the embedded interpreter does',
    async () => await keepContract(account, emulator),
  )
  await step('GET /v1/health answers', async () => await anyone('GET', '/v1/health', 200))
  await step(
    'GET /v1/docs answers the reference, and each of its files exists',
    async () => await readReference(anyone),
  )
  await step('requests for costs, imports, accounts and users without a token are refused', async () => {
    for (const path of ['/v1/costs/overview', '/v1/imports', '/v1/cloud-accounts', '/v1/users'])
      await anyone('GET', path, 401)
  })
  await step('the rotation function creates the signing keys', async () => await rotateSigningKeys(account, outputs))
  const { access_token: token, refresh_token } = await step(
    'POST /v1/auth/register, login, refresh',
    async () => await signIn(anyone),
  )
  const user = as(token)
  await step(
    'GET /.well-known/jwks.json publishes the key that signed the token',
    async () => await checkSignature(anyone, token),
  )
  const refusedDelivery = { files: [{ name: 'early.csv', bytes: 1 }] }
  await step('bills need a confirmed address', async () => await user('POST', '/v1/imports', 409, refusedDelivery))
  await step(
    'the bus wakes the function that mails the registration, and the mail confirms the address',
    async () => await confirmAddress(anyone, account, apiUrl),
  )
  await step("the operator's function sets the tier", async () => {
    const { id } = await user<{ id: string }>('GET', '/v1/organization', 200)
    await account.invoke(outputs.setTierName, { organization: id, tier: 'pro' })
    const { tier } = await user<{ tier: string }>('GET', '/v1/organization', 200)
    expectEqual(tier, 'pro', 'tier')
  })

  const instanceId = await runInstance(account)
  const waste = { instanceId, volumeId: await createVolume(account) }
  await keepIdle(account, instanceId)
  const delivered = await deliverExport(account, chargeWaste(sample.toString(), waste))
  const connection = await step(
    'an AWS account is connected by the role of our template, with the external id that we issued',
    async () => connectAws(user, account),
  )
  const { id: accountId, awsId } = connection
  const connected = async (): Promise<string[]> =>
    (await user<{ accounts: { id: string }[] }>('GET', '/v1/cloud-accounts', 200)).accounts.map(({ id }) => id)
  await step('GET /v1/cloud-accounts lists it', async () => expectEqual(await connected(), [accountId], 'accounts'))

  await step('the connection wakes the collectors by the bus and the queues', async () => {
    const { sources } = await collected(user, accountId)
    for (const { kind, problems } of sources)
      if (kind !== 'inventory') continue
      else if (problems.some(({ part }) => part.startsWith('ec2:instances'))) throw new Error(JSON.stringify(problems))
  })
  await step('GET /v1/resources/compute has the machine that EC2 describes', async () => findInstance(user, instanceId))

  await step("the customer's export in S3 becomes costs that are exact to the last digit", async () => {
    await findExport(user, delivered)
  })
  await step('the idle machine and the unattached volume are recommended, with their cost as the saving', async () => {
    for (const line of await findAdvice(user, waste)) note(line)
  })
  await step('one is planned without a change; the other is dismissed and leaves the list', async () => {
    for (const line of await actOnAdvice(user, waste)) note(line)
  })

  // The bill contains costs of the connected account.
  const bill = Buffer.from(sample.toString().replaceAll(`"${member.id}"`, `"${awsId}"`))
  const { deliver } = createCourier({ user, client, account, billsMachineArn })
  await step('the FOCUS sample is uploaded by pre-signed URLs and committed by the pipeline', async () =>
    deliver('focus_sample.csv', bill, 'committed'),
  )
  await step(
    'GET /v1/costs/reconciliation: AWS, Microsoft and Oracle are exact to the last digit',
    async () => await reconcile(user),
  )
  await step('GET /v1/costs/overview: the charges of September are exact to the last digit', async () => {
    const query = 'start_date=2024-09-01&end_date=2024-09-30&metric=billed&granularity=monthly'
    const { total_cost_exact: total } = await user<{ total_cost_exact: string }>(
      'GET',
      `/v1/costs/overview?${query}`,
      200,
    )
    expectEqual(total, sum(Object.values(expected)), 'total')
  })
  await step('a delivery of the same bytes ends unchanged', async () => await deliver('again.csv', bill, 'unchanged'))
  await step('half a bill is refused with a reason', async () => {
    const { reason } = await deliver('half.csv', bill.subarray(0, bill.length / 2), 'refused')
    if (!reason) throw new Error('The import was refused without a reason.')
  })

  await step('the sweep removes an abandoned upload, and changes no bill', async () => {
    await sweepWhatWasLeft({ user, client, account, ...outputs })
    await reconcile(user)
  })
  await step(
    'the relay publishes an event and completes an audit trace that a process left behind',
    async () => await relayWhatWasLeft({ account, ...outputs }),
  )
  // After the sweep, which sets schedules again.
  const [{ reach }, { volumeId }] = [emulator, waste]
  await automate({ anyone, user, account, client, reach, machineArn, connection, volumeId, step, note })
  await step('a purged account is excluded at once, and every bill equals its total', async () => {
    await user('DELETE', `/v1/cloud-accounts/${accountId}?costs=purge`, 200)
    expectEqual(await connected(), [], 'accounts')
    await reconcile(user, { accountId: awsId, rows: member.rows })
  })
  await step(
    'a delivery of the same bytes ends unchanged after the purge',
    async () => await deliver('once-more.csv', bill, 'unchanged'),
  )
  await step('POST /v1/auth/logout revokes the access token and the refresh token', async () => {
    await user('POST', '/v1/auth/logout', 200)
    await user('GET', '/v1/imports', 401)
    await anyone('POST', '/v1/auth/refresh', 401, { refresh_token })
  })
  await step('the other function refuses the token after the 5 seconds of its cache', async () => {
    await sleep(5000)
    await user('GET', '/v1/costs/overview', 401)
  })
}

async function readReference(anyone: Ask): Promise<void> {
  const page = await anyone<string>('GET', '/v1/docs', 200)
  // A browser resolves the links from the address of the page, below the prefix of the stage.
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, link = '']) => new URL(link, 'https://localhost/v1/docs'),
  )
  if (!files.some(({ pathname }) => pathname.endsWith('swagger-ui-bundle.js')))
    throw new Error(`The reference links to ${files.join(', ') || 'no files'}.`)
  for (const { pathname, search } of files) await anyone('GET', pathname + search, 200)
}
