/** A role has the permissions of every row that names it. */
const grants = [
  {
    roles: ['viewer', 'analyst', 'engineer', 'devops', 'cfo', 'admin'],
    permissions: [
      'read:dashboard',
      'read:costs',
      'read:resources',
      'read:recommendations',
      'read:budgets',
      'read:anomalies',
    ],
  },
  {
    roles: ['analyst', 'engineer', 'devops', 'cfo', 'admin'],
    permissions: ['read:reports', 'create:reports', 'export:data'],
  },
  {
    roles: ['engineer', 'devops', 'admin'],
    permissions: ['write:tags', 'dismiss:recommendations', 'write:anomalies', 'request:remediation'],
  },
  // The approver reads what is approved, and may pull the stop switch.
  {
    roles: ['engineer', 'devops', 'cfo', 'admin'],
    permissions: ['read:policies', 'read:executions', 'stop:remediation'],
  },
  { roles: ['devops', 'admin'], permissions: ['write:policies', 'execute:policies'] },
  { roles: ['cfo', 'admin'], permissions: ['write:budgets', 'approve:remediation'] },
  { roles: ['devops', 'cfo', 'admin'], permissions: ['read:accounts'] },
  {
    roles: ['admin'],
    permissions: ['write:accounts', 'read:users', 'write:users', 'read:audit', 'write:settings', 'write:identity'],
  },
] as const

export const roles = [
  'viewer',
  'analyst',
  'engineer',
  'devops',
  'cfo',
  'admin',
] as const satisfies readonly (typeof grants)[number]['roles'][number][]
export type Role = (typeof roles)[number]

export type Permission = (typeof grants)[number]['permissions'][number]

export const permissions: readonly Permission[] = grants.flatMap((row): readonly Permission[] => row.permissions)

/** `member`: any credential of an organization. `self`: a signed-in user. `operator`: the product itself. */
export type Requirement = Permission | 'member' | 'self' | 'operator' | 'public'

export function permissionsOf(role: Role): ReadonlySet<Permission> {
  const rows = grants.filter((row) => (row.roles as readonly Role[]).includes(role))
  return new Set(rows.flatMap((row): readonly Permission[] => row.permissions))
}
