import { type Answer, ask } from '../access/ask.ts'
import type { RoleGrant } from './permissions.ts'
import type { AzureHosts } from './hosts.ts'

export interface ResourceManager {
  hosts: AzureHosts
  token: string
}

/** The caller has validated the ids in `path`. */
async function get({ hosts, token }: ResourceManager, path: string, apiVersion: string): Promise<Answer> {
  return await ask(new URL(`${path}?api-version=${apiVersion}`, hosts.resourceManager), { cloud: 'Azure', token })
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
