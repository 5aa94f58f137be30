import type { Provider, Verification } from '@cloudoptima/core'
import type { AccessOptions } from '../access/options.ts'
import { gcpActions } from './act/actions.ts'
import { gcpActor } from './act/tags.ts'
import { gcpCollector } from './collect/collector.ts'
import { providerOf, type CredentialsOf, reached, refused } from '../access/verdict.ts'
import { bigQuery, datasets, grantedOnExport } from './big-query.ts'
import { hostsOf, signIn } from './sign-in.ts'
import { type GcpPermission, gcpPermissions, optionalGcpPermissions } from './permissions.ts'
import { project } from './project.ts'

/** Access by the key of a service account with roles on one project. */
export function gcpAccess(options: AccessOptions): Provider {
  return providerOf('gcp', {
    verify: (credentials) => verify(options, credentials),
    ...gcpCollector(options),
    ...gcpActor(options),
    actions: gcpActions(options),
  })
}

async function verify(
  options: AccessOptions,
  { projectId, serviceAccount }: CredentialsOf<'gcp'>,
): Promise<Verification> {
  // https://cloud.google.com/resource-manager/docs/creating-managing-projects
  if (!/^[a-z][a-z\d-]{4,28}[a-z\d]$/.test(projectId))
    return refused(
      'not_found',
      'This is not a project id. Give the id of 6 to 30 lower-case letters, digits and hyphens, not the name or ' +
        'number of the project.',
    )
  const hosts = hostsOf(options)
  const signedIn = await signIn(hosts, serviceAccount)
  if (signedIn.kind === 'refused') return refused('credentials_refused', signedIn.message)
  const found = await project(hosts, signedIn.token, projectId)
  if (found.kind === 'api-disabled')
    return refused('not_found', disabled('Cloud Resource Manager', "the service account's project"))
  if (found.kind === 'hidden')
    return refused(
      'not_found',
      `${serviceAccount.client_email} cannot see the project ${projectId}. Check the id, and grant the service ` +
        'account its roles on the project.',
    )
  const seen = await datasets(await bigQuery(hosts, signedIn.client, projectId))
  if (seen === 'api-disabled') return refused('not_found', disabled('BigQuery', `the project ${projectId}`))
  const missing = new Set<GcpPermission>(found.missing)
  if (seen === 'denied') missing.add('bigquery.datasets.get')
  else if (missing.size > 0) for (const permission of await grantedOnExport(seen)) missing.delete(permission)
  return reached(gcpPermissions, missing, found.name, optionalGcpPermissions)
}

function disabled(api: string, where: string) {
  return `The ${api} API is not enabled in ${where}. Enable it under APIs & Services, wait a few minutes and try again.`
}
