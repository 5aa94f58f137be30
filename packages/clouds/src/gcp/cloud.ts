import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import { answered, Refusal, type Refusals, routesOf } from '../answers.ts'
import type { Faults } from '../faults.ts'
import { exists, hourly } from '../load.ts'
import type { Answer } from '../server.ts'
import { newest, versionsOf } from '../versions.ts'
import { acting, deletions, reads } from './acting.ts'
import { bigQuery } from './big-query.ts'
import { catalog, catalogCall } from './catalog.ts'
import { type GcpProject, identity, serviceAccountOf, tokensOf } from './identity.ts'
import { inventory } from './inventory.ts'
import { metrics } from './metrics.ts'
import type { BillingAccount, Operation } from './operation.ts'
import { summaryOf } from './query.ts'
import { settle } from './long-running.ts'
import { sql, sqlChanges } from './sql.ts'
import { gcpResource } from './resource.ts'

const tokenPath = '/token'
const reading = routesOf<Operation>({
  ...identity,
  ...bigQuery,
  ...inventory,
  ...metrics,
  ...catalog,
  ...acting,
  ...reads,
  ...sql,
})
const byMethod = { DELETE: routesOf<Operation>(deletions), PATCH: routesOf<Operation>(sqlChanges) }
const recognized = ({ method, path }: ReceivedRequest) =>
  (method === 'DELETE' || method === 'PATCH' ? byMethod[method] : reading)(path)

/**
 * What Google Cloud answers to the calls of the product, and the projects of each billing account, first the one with
 * its export; `actingProjects` have the service account for actions.
 */
export async function gcpAnswers(given: { estates: readonly Estate[]; now(): Date; faults: Faults; dir: string }) {
  const { estates, now, faults, dir } = given
  const accounts = await Promise.all(
    estates.map(async (estate): Promise<BillingAccount> => {
      const payer = estate.subAccounts[0]?.id ?? ''
      const changes: BillingAccount['changes'] = new Map()
      const created: BillingAccount['created'] = []
      const resources = hourly(estate, now, (one) => {
        const resource = gcpResource(one)
        return { ...resource, ...changes.get(resource.number) }
      })
      return {
        estate,
        versions: versionsOf({ estate, now, faults }),
        summary: newest(summaryOf),
        get resources() {
          return [...resources(), ...created]
        },
        changes,
        created,
        operations: [],
        serviceAccount: await serviceAccountOf(payer, dir, 'read'),
        actingAccount: await serviceAccountOf(payer, dir, 'act'),
        jobs: new Map(),
      }
    }),
  )
  const tokens = tokensOf(accounts)
  const answerOf = (request: ReceivedRequest): Answer => {
    const { path, query, headers, body } = request
    if (path === tokenPath) return tokens.open(body)
    const holder = tokens.holderOf(headers.authorization)
    if (!holder) throw new Refusal('authError', 401)
    const { account, canAct } = holder
    const { call, named, operation } = recognized(request)
    const project = named['project'] ?? query.get('project') ?? ''
    if (call !== catalogCall && !account.estate.subAccounts.some(({ id }) => id === project))
      throw new Refusal('forbidden', 403)
    settle(account, now())
    const exist = account.resources.filter((each) => each.project === project && !each.isGone && exists(each, now()))
    const all = (type: string) => exist.filter((each) => each.type === type)
    return { body: operation({ account, project, canAct, now: now(), call, named, query, body, all }) }
  }
  const answer = async (request: ReceivedRequest): Promise<Answer> => {
    const call = request.path === tokenPath ? 'oauth2.token' : recognized(request).call
    return await answered({ call, faults, codes, write }, () => answerOf(request))
  }
  const projectsWith = (name: 'serviceAccount' | 'actingAccount') => (url: string) =>
    accounts.map((account) =>
      account.estate.subAccounts.map(({ id: projectId }): GcpProject => ({
        projectId,
        serviceAccount: { ...account[name], token_uri: url + tokenPath },
      })),
    )
  return { answer, projects: projectsWith('serviceAccount'), actingProjects: projectsWith('actingAccount') }
}

/** By service; BigQuery has errors of an older form. */
const codes: Refusals['codes'] = {
  throttled: { bigquery: ['rateLimitExceeded', 403], other: ['RATE_LIMIT_EXCEEDED', 429] },
  failed: { other: ['backendError', 503] },
  expired: { other: ['authError', 401] },
  disabled: { bigquery: ['accessNotConfigured', 403], other: ['SERVICE_DISABLED', 403] },
}

/** https://cloud.google.com/apis/design/errors, with the older form. */
const write: Refusals['write'] = (_, { message: reason, status }, seconds) => {
  const message = 'A request of the simulated Google Cloud failed.'
  return {
    status,
    headers: seconds === undefined ? {} : { 'retry-after': String(seconds) },
    body: { error: { code: status, message, errors: [{ reason, message }], details: [{ reason }] } },
  }
}
