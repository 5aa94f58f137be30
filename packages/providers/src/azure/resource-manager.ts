import { type Answer, ask } from '../access/ask.ts'
import { unavailable } from '../access/verdict.ts'
import type { RoleGrant } from './permissions.ts'
import type { AzureHosts } from './hosts.ts'

export interface ResourceManager {
  hosts: AzureHosts
  token: string
}

/** Asks for `path` with its query; the caller has validated the ids in it. A throttled call is an answer too. */
export async function call({ hosts, token }: ResourceManager, path: string, body?: unknown): Promise<Answer> {
  const url = new URL(path, hosts.resourceManager)
  return await ask(url, { cloud: 'Azure', token, answers: [429], ...(body !== undefined && { body }) })
}

async function get(manager: ResourceManager, path: string, apiVersion: string): Promise<Answer> {
  const answer = await call(manager, `${path}?api-version=${apiVersion}`)
  if (answer.status === 429) throw unavailable('Azure', 'too many requests')
  return answer
}

export interface Subscription {
  status: number
  code?: string | undefined
  tenantId?: string | undefined
  displayName?: string | undefined
}

/** https://learn.microsoft.com/rest/api/resources/subscriptions/get */
export async function subscription(manager: ResourceManager, id: string): Promise<Subscription> {
  const { status, body } = await get(manager, `/subscriptions/${id}`, '2022-12-01')
  const { tenantId, displayName, error } = (body ?? {}) as Partial<Subscription> & { error?: { code?: string } }
  return { status, code: error?.code, tenantId, displayName }
}

/** The first page; undefined if they may not be listed. */
export async function grantsOn(manager: ResourceManager, path: string): Promise<RoleGrant[] | undefined> {
  const { status, body } = await get(manager, `${path}/providers/Microsoft.Authorization/permissions`, '2022-04-01')
  return status === 200 ? ((body as { value?: RoleGrant[] } | undefined)?.value ?? []) : undefined
}
