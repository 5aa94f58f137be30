import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createAccount } from './account.ts'
import { createApi, type Ask } from './api.ts'
import { createClient } from './client.ts'
import { connectAws } from './connection.ts'
import type { Emulator } from './emulator.ts'
import { checkSignature, expectMail, rotateSigningKeys, signIn } from './identity.ts'
import { createCourier } from './imports.ts'
import { sweepWhatWasLeft } from './sweep.ts'
import { keepContract } from './workflows.ts'

/** A sub-account of AWS in the FOCUS sample, which has so many of its rows. */
const member = { id: '11353890204', rows: 225 }

/** Billed cost in the FOCUS sample, to the last digit: the sums of its own column. One charge of Oracle is on the bill of October. */
const expected = { AWS: '18.0066386184', Microsoft: '1.97651418586', Oracle: '0.53707392473' }

/** What a deployment says of itself. */
export interface Outputs {
  apiUrl: string
  billsMachineArn: string
  signingKeysArn: string
  rotateKeysName: string
  tableName: string
  sweepName: string
}

interface Play extends Outputs {
  emulator: Emulator
  bill: Buffer
  step<Result>(title: string, run: () => Result | Promise<Result>): Promise<Result>
}

interface Reconciliation {
  reconciled: boolean
  lines: {
    provider: string
    our_total_exact: string
    bill_total_exact: string
    our_rows: number
    withheld: { account_id: string; rows: number; billed: string }[]
  }[]
}

/** What a customer does with the deployed product, from the first visit to the answer, and out again. */
export async function rehearse({ emulator, bill: sample, step, ...outputs }: Play): Promise<void> {
  const { apiUrl, billsMachineArn } = outputs
  const client = createClient(emulator)
  const account = createAccount(emulator)
  const as = createApi(client, emulator.reach(apiUrl))
  const anyone = as()

  await step(
    'Step Functions runs the contract of workflows as the embedded interpreter does',
    async () => await keepContract(account, emulator),
  )
  await step('GET /v1/health answers', async () => await anyone('GET', '/v1/health', 200))
  await step(
    'GET /v1/docs answers the reference, and each file that it refers to is there',
    async () => await readReference(anyone),
  )
  await step('without a token, costs, imports and accounts are refused', async () => {
    for (const path of ['/v1/costs/overview', '/v1/imports', '/v1/cloud-accounts', '/v1/users'])
      await anyone('GET', path, 401)
  })
  await step(
    'the signing keys are made by the function of their rotation',
    async () => await rotateSigningKeys(account, outputs),
  )
  const { access_token: token, refresh_token } = await step(
    'POST /v1/auth/register, login, refresh',
    async () => await signIn(anyone),
  )
  const user = as(token)
  await step(
    'GET /.well-known/jwks.json has the key that signed the token',
    async () => await checkSignature(anyone, token),
  )
  await step('the registration was mailed by way of the bus', async () => await expectMail(account, apiUrl))

  const { id: accountId, awsId } = await step(
    'an AWS account is connected by the role that our template makes, with the external id that we issued',
    async () => connectAws(user, account),
  )
  const connected = async (): Promise<string[]> =>
    (await user<{ accounts: { id: string }[] }>('GET', '/v1/cloud-accounts', 200)).accounts.map(({ id }) => id)
  await step('GET /v1/cloud-accounts lists it', async () => expectEqual(await connected(), [accountId], 'accounts'))

  // The connected account is one of those that the bill is of.
  const bill = Buffer.from(sample.toString().replaceAll(`"${member.id}"`, `"${awsId}"`))
  const { deliver } = createCourier({ user, client, account, billsMachineArn })
  await step('the FOCUS sample: announced, uploaded by pre-signed URL, started, committed by the pipeline', async () =>
    deliver('focus_sample.csv', bill, 'committed'),
  )
  await step(
    'GET /v1/costs/reconciliation of both billing periods: AWS, Microsoft and Oracle to the last digit',
    async () => await reconcile(user),
  )
  await step('GET /v1/costs/overview: all charges of September to the last digit', async () => {
    const query = 'start_date=2024-09-01&end_date=2024-09-30&metric=billed&granularity=monthly'
    const { total_cost_exact: total } = await user<{ total_cost_exact: string }>(
      'GET',
      `/v1/costs/overview?${query}`,
      200,
    )
    expectEqual(total, sum(Object.values(expected)), 'total')
  })
  await step('the same bytes again: unchanged', async () => await deliver('again.csv', bill, 'unchanged'))
  await step('half a bill: refused, with the reason', async () => {
    const { reason } = await deliver('half.csv', bill.subarray(0, bill.length / 2), 'refused')
    if (!reason) throw new Error('refused without a reason')
  })

  await step('the function that the clock wakes clears away what was left, and nothing else', async () => {
    await sweepWhatWasLeft({ user, client, account, ...outputs })
    await reconcile(user)
  })
  await step('the account is disconnected and purged: excluded at once, and every bill equals its total', async () => {
    await user('DELETE', `/v1/cloud-accounts/${accountId}?costs=purge`, 200)
    expectEqual(await connected(), [], 'accounts')
    await reconcile(user, { accountId: awsId, rows: member.rows })
  })
  await step(
    'the same bytes once more: unchanged, and without the account',
    async () => await deliver('once-more.csv', bill, 'unchanged'),
  )
  await step('POST /v1/auth/logout ends the token, and its refreshing', async () => {
    await user('POST', '/v1/auth/logout', 200)
    await user('GET', '/v1/imports', 401)
    await anyone('POST', '/v1/auth/refresh', 401, { refresh_token })
  })
  await step('the other function, which trusts what it knew for 5 seconds, refuses the token then too', async () => {
    await sleep(5000)
    await user('GET', '/v1/costs/overview', 401)
  })
}

async function readReference(anyone: Ask): Promise<void> {
  const page = await anyone<string>('GET', '/v1/docs', 200)
  // A browser resolves them from the address of the page, below whatever prefix that lies.
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, link = '']) => new URL(link, 'https://localhost/v1/docs'),
  )
  if (!files.some(({ pathname }) => pathname.endsWith('swagger-ui-bundle.js')))
    throw new Error(`the reference refers to ${files.join(', ') || 'nothing'}`)
  for (const { pathname, search } of files) await anyone('GET', pathname + search, 200)
}

/** Every bill equals its total, with what is withheld of one account. */
async function reconcile(user: Ask, withheld?: { accountId: string; rows: number }): Promise<void> {
  const answers = await Promise.all(
    ['2024-09', '2024-10'].map(
      async (period) => await user<Reconciliation>('GET', `/v1/costs/reconciliation?period=${period}`, 200),
    ),
  )
  if (!answers.every(({ reconciled }) => reconciled)) throw new Error(`not reconciled: ${JSON.stringify(answers)}`)
  const lines = answers.flatMap((answer) => answer.lines)
  const byProvider = Map.groupBy(lines, ({ provider }) => provider)
  const ours = (found: Reconciliation['lines']): string =>
    sum(found.flatMap((line) => [line.our_total_exact, ...line.withheld.map(({ billed }) => billed)]))
  expectEqual(Object.fromEntries([...byProvider].map(([provider, found]) => [provider, ours(found)])), expected, 'ours')
  expectEqual(
    Object.fromEntries(
      [...byProvider].map(([provider, found]) => [provider, sum(found.map((line) => line.bill_total_exact))]),
    ),
    expected,
    'bill',
  )
  const out = lines.flatMap((line) => line.withheld)
  expectEqual(
    [...new Set(out.map(({ account_id }) => account_id))],
    withheld ? [withheld.accountId] : [],
    'withheld accounts',
  )
  const withheldRows = out.reduce((total, { rows }) => total + rows, 0)
  expectEqual(withheldRows, withheld?.rows ?? 0, 'withheld rows')
  expectEqual(
    lines.reduce((total, line) => total + line.our_rows, withheldRows),
    1000,
    'rows',
  )
}

const decimals = 18

/** Exact, as plain decimals without trailing zeros. */
function sum(amounts: string[]): string {
  const total = amounts.reduce((sum, amount) => {
    const [whole = '', fraction = ''] = amount.split('.')
    return sum + BigInt(whole + fraction.padEnd(decimals, '0'))
  }, 0n)
  const digits = total.toString().padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '')
}

function expectEqual(found: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(found, wanted))
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
}
