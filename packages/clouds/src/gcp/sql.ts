import { Refusal } from '../answers.ts'
import { begin, shownSql } from './long-running.ts'
import { list, type Operations, type Question } from './operation.ts'
import type { GcpResource } from './resource.ts'

const seconds = 40

interface Settings {
  settingsVersion: string
  activationPolicy: string
  tier: string
}

/** https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances */
export function database({ name, project, region, labels, createdAt, key, set }: GcpResource) {
  const settings: Settings & Record<string, unknown> = {
    settingsVersion: '1',
    tier: 'db-custom-4-26624',
    edition: 'ENTERPRISE',
    activationPolicy: 'ALWAYS',
    availabilityType: 'ZONAL',
    dataDiskType: 'PD_SSD',
    dataDiskSizeGb: String(100 + (key % 400)),
    userLabels: labels,
    ...set,
  }
  return {
    name,
    region,
    // Also while it is stopped by its owner.
    state: 'RUNNABLE',
    databaseVersion: 'POSTGRES_16',
    instanceType: 'CLOUD_SQL_INSTANCE',
    connectionName: `${project}:${region}:${name}`,
    gceZone: `${region}-b`,
    createTime: createdAt,
    settings,
  }
}

function found({ all, named: { name } }: Question): GcpResource {
  const resource = all('cloudsql/instances').find((each) => each.name === name)
  if (!resource) throw new Refusal('notFound', 404)
  return resource
}

/** Of Cloud SQL, beside its list. */
export const sql: Operations = {
  'cloudsql.instances.get': ['/v1/projects/{project}/instances/{name}', (question) => database(found(question))],
  'cloudsql.operations.list': [
    '/v1/projects/{project}/operations',
    list('items', ({ account, project, query }) =>
      account.operations
        .filter((each) => each.project === project && each.targetId === query.get('instance'))
        .toReversed()
        .map(shownSql),
    ),
  ],
}

/** One operation at a time, on the newest settings: https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances/patch */
export const sqlChanges: Operations = {
  'cloudsql.instances.patch': [
    '/v1/projects/{project}/instances/{name}',
    (question) => {
      const resource = found(question)
      const { settings } = database(resource)
      const { settings: wanted } = JSON.parse(question.body) as { settings: Partial<Settings> }
      const { settingsVersion = settings.settingsVersion, ...changed } = wanted
      if (settingsVersion !== settings.settingsVersion) throw new Refusal('staleData', 412)
      const set: Record<string, unknown> = {
        ...resource.set,
        ...changed,
        settingsVersion: String(Number(settingsVersion) + 1),
      }
      const offSince = set['activationPolicy'] === 'NEVER' ? question.now : undefined
      const target = { id: resource.name, path: `instances/${resource.name}` }
      return shownSql(
        begin(question, { target, operationType: 'UPDATE', seconds, busy: ['operationInProgress', 409] }, () => ({
          changes: [[resource, { set, offSince }]],
        })),
      )
    },
  ],
}
