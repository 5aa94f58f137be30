import { type CallLimit, Fault } from '@cloudoptima/core'
import { json } from '../collect/answers.ts'
import { type Calls, type Question, Refusal } from '../collect/calls.ts'
import type { ActPermission } from './permissions.ts'

/** Types of resources, with the version of their API: https://learn.microsoft.com/rest/api/azure */
const versions = {
  'Microsoft.Compute/virtualMachines': '2024-07-01',
  'Microsoft.Compute/disks': '2024-03-02',
  'Microsoft.Compute/snapshots': '2024-03-02',
  'Microsoft.Network/publicIPAddresses': '2024-05-01',
  'Microsoft.Web/serverfarms': '2024-04-01',
  'Microsoft.Insights/autoscaleSettings': '2022-10-01',
} as const
export type ArmType = keyof typeof versions

/** A call that changes something. */
export interface Change {
  api: ActPermission
  method: 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  type: ArmType
  /** Of the resource, with the name of a POST behind it. */
  path: string
  body?: object
  /** Refused if somebody has changed the resource since it was read. */
  etag?: string | undefined
}

export interface Operation {
  status: 'InProgress' | 'Succeeded' | 'Failed'
  code?: string
}

/** The resource manager, for one action on one subscription. */
export interface Arm {
  /** Undefined: there is none. */
  read<Document>(api: ActPermission, type: ArmType, path: string, query?: string): Promise<Document | undefined>
  /** The path of the operation that goes on, if Azure names one. Throws `Refusal`, or a Fault of the contract. */
  change(change: Change): Promise<string | undefined>
  /** Operations that Azure does not know any more have ended. */
  operation(path: string): Promise<Operation>
}

/** Of a principal in a subscription: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling */
const most = { read: 250, write: 100 }
const windowSeconds = 10

/** Other services tell the state of a change by that of the resource only. */
const operations: readonly [path: RegExp, permission: ActPermission][] = [
  [/^\/microsoft\.compute\/locations\/\w+\/operations\//, 'Microsoft.Compute/locations/operations/read'],
  [/^\/microsoft\.compute\/locations\/\w+\/diskoperations\//, 'Microsoft.Compute/locations/diskOperations/read'],
  [/^\/microsoft\.network\/locations\/\w+\/operations\//, 'Microsoft.Network/locations/operations/read'],
]

/** The permission to follow an operation; undefined for paths that lead elsewhere. */
function permissionOf(path: string, subscriptionId: string): ActPermission | undefined {
  const [own, operation] = path.toLowerCase().split('/providers')
  if (own !== `/subscriptions/${subscriptionId}`.toLowerCase() || operation === undefined) return undefined
  return operations.find(([form]) => form.test(operation))?.[1]
}

export function armOf(calls: Calls): Arm {
  const { subscriptionId, clientId } = calls.access.credentials
  const limits = (kind: keyof typeof most): CallLimit[] => [
    { name: `azure-arm-${kind}/${subscriptionId}/${clientId}`, most: most[kind], windowSeconds },
  ]
  const get = async <Document>(api: ActPermission, url: string): Promise<Document | undefined> => {
    try {
      return await json<Document>(calls, { api, url, limits: limits('read') })
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined
      throw error instanceof Refusal ? faultOf(error, api) : error
    }
  }
  return {
    read: async (api, type, path, query = '') =>
      await get(api, `${encodeURI(path)}?api-version=${versions[type]}${query}`),
    async change({ api, method, type, path, body, etag }) {
      const question: Question = {
        api,
        method,
        url: `${encodeURI(path)}?api-version=${versions[type]}`,
        isSentOnce: true,
        limits: limits('write'),
        ...(body && { body: JSON.stringify(body) }),
        ...(etag !== undefined && { headers: { 'if-match': etag } }),
      }
      const { headers } = await calls.send(question)
      const at = headers.get('azure-asyncoperation')
      if (at === undefined) return undefined
      const { pathname, search } = new URL(at)
      return permissionOf(pathname, subscriptionId) && `${pathname}${search}`
    },
    async operation(path) {
      const api = permissionOf(path, subscriptionId)
      if (api === undefined) throw new Fault('forbidden', 'The operation is not of this subscription.')
      const found = await get<{ status?: string; error?: { code?: string } }>(api, path)
      const { status = 'Succeeded', error } = found ?? {}
      if (status === 'Succeeded') return { status }
      if (status !== 'Failed' && status !== 'Canceled') return { status: 'InProgress' }
      return { status: 'Failed', code: error?.code ?? status }
    },
  }
}

/** The Fault of a call that Azure refuses for good, so that the same call need not be repeated. */
export function faultOf({ status, code }: Refusal, permission: string): Fault {
  const advice = `Assign the application for actions the custom role of the documentation, which has ${permission}.`
  if (status === 403 && code.startsWith('Linked'))
    return new Fault('forbidden', `Azure refused ${permission} (${code}): a linked resource needs a permission more.`)
  if (status === 403) return new Fault('forbidden', `Azure refused it (${code}). ${advice}`)
  return new Fault('forbidden', `Azure refused it (${status} ${code}, ${permission}).`)
}

/** Of a path in lower case: `microsoft.compute/disks`. */
export function typeOf(id: string): string | undefined {
  const type = /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+\/providers\/([^/]+\/[^/]+)\/[^/]+$/.exec(
    id.toLowerCase(),
  )
  return type?.[1]
}

/** Throws Fault `not_found` if the path leads elsewhere than to a resource of the subscription. */
export function assertOwn({ access: { credentials } }: Calls, id: string): void {
  const own = `/subscriptions/${credentials.subscriptionId}/`.toLowerCase()
  if (!id.toLowerCase().startsWith(own) || /[?#%\\]|\/\.{1,2}(\/|$)/.test(id))
    throw new Fault('not_found', 'It is no resource of the subscription.')
}

export const isSame = (one: string | null | undefined, other: string | null | undefined) =>
  (one ?? '').toLowerCase() === (other ?? '').toLowerCase()

/** The path of a resource with its name as Azure spells it, because ours has lower case. */
export const spelled = (path: string, name: string) => `${path.slice(0, path.lastIndexOf('/'))}/${name}`
