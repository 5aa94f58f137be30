import { ask } from '../access/ask.ts'
import type { GcpHosts } from './sign-in.ts'
import { allGcpPermissions, type GcpPermission } from './permissions.ts'

export type Project =
  | { kind: 'found'; missing: GcpPermission[]; name?: string | undefined }
  | { kind: 'hidden' }
  | { kind: 'api-disabled' }

interface Refusal {
  error?: { details?: { reason?: string }[] }
}

/** https://cloud.google.com/resource-manager/reference/rest/v3/projects/testIamPermissions */
export async function project(hosts: GcpHosts, token: string, projectId: string): Promise<Project> {
  // The caller has validated the id; it becomes a path.
  const url = new URL(`/v3/projects/${encodeURIComponent(projectId)}`, hosts.api('cloudresourcemanager'))
  const asked = { cloud: 'Google Cloud', token }
  const [shown, tested] = await Promise.all([
    ask(url, asked),
    ask(new URL(`${url.href}:testIamPermissions`), {
      ...asked,
      body: { permissions: allGcpPermissions },
    }),
  ])
  if (tested.status !== 200) return { kind: isDisabled(tested.body) ? 'api-disabled' : 'hidden' }
  const granted = new Set((tested.body as { permissions?: string[] } | undefined)?.permissions)
  const missing = allGcpPermissions.filter((permission) => !granted.has(permission))
  const name = (shown.body as { displayName?: string } | undefined)?.displayName
  return { kind: 'found', missing, name: shown.status === 200 ? name : undefined }
}

function isDisabled(body: unknown) {
  return ((body as Refusal | undefined)?.error?.details ?? []).some(({ reason }) => reason === 'SERVICE_DISABLED')
}
