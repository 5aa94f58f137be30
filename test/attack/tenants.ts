import { Actor, Identity, nounsOf, type Tables, noOrganization } from '@cloudoptima/core'
import { appWithLake, type Members, organization } from '../../packages/api/src/fixture.ts'
import * as Secret from '../../packages/core/src/identity/credentials/secret.ts'
import { bearer } from './request.ts'

/** A word in the victim's data that the attacker never sends, and that no answer to the attacker may contain. */
export const canary = 'CANARY'

type World = Awaited<ReturnType<typeof appWithLake>>
type Rows = Map<keyof Tables, { id: string }[]>

/** Two organizations with items of every noun. */
export interface Tenants {
  world: World
  attacker: Members
  victim: Members
  /** Values of the victim that the attacker may know, each with a nonexistent value of the same form. */
  values: Value[]
  /** ETags of the victim's answers. */
  tags: string[]
  /** External id for the attacker's next AWS account. */
  externalId: string
  /** Resets all rows except the victim's. */
  restore(): Promise<void>
  /** All data of the victim, as text. */
  victims(): Promise<string>
}

export interface Value {
  foreign: string
  unknown: string
}

const azure = {
  subscription_id: '11111111-8d2a-4f0b-9c3d-2e4a5b6c7d8e',
  tenant_id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  client_id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
}
const serviceAccount = {
  type: 'service_account',
  client_email: 'reader@victim-project.iam.gserviceaccount.com',
  private_key: `-----BEGIN ${canary} PRIVATE KEY-----`,
}

/** Creates both organizations with data. */
export async function openTenants(): Promise<Tenants> {
  const world = await appWithLake()
  world.ctx.runtime.lake.query = canaryQuery(world)
  const [attacker, victim] = [
    await organization(world.ctx, 'org_attacker'),
    await organization(world.ctx, 'org_victimized'),
  ]
  await fill(world, attacker, '1111', 'own')
  const { tags } = await fill(world, victim, '7345', canary)
  const { body } = await send(world, attacker, 'POST', '/v1/cloud-accounts/aws/setup')
  const backup = await rowsOf(world, [attacker.orgId, noOrganization])
  return {
    world,
    attacker,
    victim,
    tags,
    externalId: String(body['external_id']),
    values: await valuesOf(world, attacker, victim),
    restore: async () => await resetRows(world, attacker.orgId, backup),
    victims: async () => await ownedBy(world, victim.orgId),
  }
}

/** A lake query whose answers for the victim contain the canary. */
function canaryQuery({ runtime }: World): World['runtime']['lake']['query'] {
  const query = runtime.lake.query.bind(runtime.lake)
  return async (name, files, parameters) => {
    const rows = await query(name, files, parameters)
    return files.orgId === 'org_victimized'
      ? (JSON.parse(
          JSON.stringify(rows).replaceAll('EC2', `${canary} service`).replaceAll('i-1', `${canary}-i-1`),
        ) as typeof rows)
      : rows
  }
}

async function send(
  { anonymous }: World,
  { tokens }: Members,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const all = { ...bearer(tokens.admin), 'Content-Type': 'application/json', 'User-Agent': 'browser', ...headers }
  const response = await anonymous.request(path, {
    method,
    headers: all,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return { body: (await response.json()) as Record<string, unknown>, tag: response.headers.get('ETag') ?? '' }
}

/** Creates items of every noun, most of them with the API. */
async function fill(world: World, members: Members, digits: string, word: string): Promise<{ tags: string[] }> {
  const { orgId, ctx, users } = members
  const { tables } = world.runtime
  const as = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    await send(world, members, method, path, body, headers)
  await tables.users.put(orgId, { ...users.admin, emailVerified: true, fullName: `${word} name` })
  await as('PUT', '/v1/organization', { name: `${word} company` })
  await as('PUT', '/v1/organization/sign-in', {
    issuer: `https://${word}.example`,
    client_id: `${word} client`,
    client_secret: `${word} secret`,
    new_users: { domains: [`${word}.example`], role: 'viewer' },
  })
  await as('PUT', '/v1/organization/token-issuer', { issuer: `https://${word}.example`, audience: `${word} audience` })
  await as(
    'POST',
    '/v1/invitations',
    { email: `guest${digits}@elsewhere.example`, role: 'cfo' },
    { 'Idempotency-Key': `invite-${digits}-key` },
  )
  await as(
    'POST',
    '/v1/api-keys',
    { name: `${word} key`, permissions: ['read:costs'] },
    { 'Idempotency-Key': `apikey-${digits}-key` },
  )
  const { body: setup } = await as('POST', '/v1/cloud-accounts/aws/setup', {})
  await as('POST', '/v1/cloud-accounts/aws', {
    role_arn: `arn:aws:iam::${digits}${digits}${digits}:role/Read`,
    external_id: setup['external_id'],
    account_name: `${word} aws`,
  })
  await as('POST', '/v1/cloud-accounts/azure', {
    ...azure,
    subscription_id: azure.subscription_id.replace('11111111', digits + digits),
    client_secret: `${word} secret`,
    account_name: `${word} azure`,
  })
  await as('POST', '/v1/cloud-accounts/gcp', {
    project_id: `project-${digits}`,
    service_account_json: Buffer.from(JSON.stringify(serviceAccount)).toString('base64'),
    account_name: `${word} gcp`,
  })
  await as(
    'POST',
    '/v1/imports',
    { files: [{ name: `${word} bill.csv`, bytes: 10 }] },
    { 'Idempotency-Key': `import-${digits}-key` },
  )
  await as('POST', '/v1/me/totp', { password: 'correct horse battery staple' })
  await Identity.Session.open(
    { ...ctx, actor: Actor.anonymous({ userAgent: `${word} browser`, address: '203.0.113.9' }) },
    users.viewer,
    'password',
  )
  await Identity.MailedToken.mint(ctx, 'reset-password', users.admin.id)
  const [snapshot] = await tables.partitions.all('org_test')
  if (snapshot?.kind !== 'bill') throw new Error('The fixture of org_test has no partition')
  const mine = {
    ...snapshot,
    billingAccountId: `${word}${digits}`,
    digest: `${word} digest`,
    files: { costs: [`${word}-costs`], cost_rollup: [`${word}-rollup`] },
  }
  await tables.partitions.put(orgId, mine)
  await tables.snapshots.put(orgId, { ...mine, id: `${mine.partition}#${mine.snapshotId}` })
  await tables.heads.put(orgId, { id: 'head', version: 1, at: snapshot.at, moves: [], excluded: [] })
  const tags: string[] = []
  for (const question of questions) tags.push((await as('GET', question)).tag)
  return { tags }
}

/** Questions whose answers have ETags. */
export const questions = [
  '/v1/costs/overview?start_date=2024-09-29&end_date=2024-09-30',
  '/v1/costs/by-service?month=2024-09',
  '/v1/costs/reconciliation?period=2024-09',
  '/v1/costs/restatements?period=2024-09',
  '/v1/costs/forecast?days_ahead=7',
  '/v1/costs/changes?from=2024-08&to=2024-09',
]

async function rowsOf({ runtime }: World, owners: string[]): Promise<Map<string, Rows>> {
  const all = owners.map(async (owner): Promise<[string, Rows]> => {
    const rows = nounsOf(runtime.tables).map(async (noun): Promise<[keyof Tables, { id: string }[]]> => [
      noun,
      await runtime.tables[noun].all(owner),
    ])
    return [owner, new Map(await Promise.all(rows))]
  })
  return new Map(await Promise.all(all))
}

async function resetRows(world: World, orgId: string, backup: Map<string, Rows>): Promise<void> {
  const now = await rowsOf(world, [orgId, noOrganization])
  for (const [owner, rows] of now) {
    for (const [noun, items] of rows) {
      const table = world.runtime.tables[noun] as {
        put(orgId: string, item: { id: string }): Promise<void>
        remove(orgId: string, id: string): Promise<void>
      }
      const before = new Map(
        backup
          .get(owner)
          ?.get(noun)
          ?.map((item) => [item.id, item]),
      )
      for (const { id } of items) if (!before.has(id)) await table.remove(owner, id)
      for (const item of before.values()) await table.put(owner, item)
    }
  }
}

/** The victim's rows and objects, and the shared rows that refer to the victim. */
async function ownedBy(world: World, orgId: string): Promise<string> {
  const rows = await rowsOf(world, [orgId, noOrganization])
  const references = [...(rows.get(noOrganization)?.values() ?? [])].flatMap((items) =>
    items.filter((item) => Object.values(item).includes(orgId)),
  )
  // Tables in memory list a noun from its first use on, so nouns without rows are left out.
  const own = [...(rows.get(orgId)?.entries() ?? [])].filter(([, items]) => items.length > 0)
  const blobs = await world.runtime.blobs.list(orgId, '')
  return JSON.stringify([own, references, blobs])
}

/** Values of the victim's rows that the attacker's rows lack, without canaries, and tokens forged for the victim. */
async function valuesOf(world: World, attacker: Members, victim: Members): Promise<Value[]> {
  const rows = await rowsOf(world, [attacker.orgId, victim.orgId, noOrganization])
  const textsOf = (owner: string) => new Set(textsIn([...(rows.get(owner)?.values() ?? [])]))
  const own = textsOf(attacker.orgId)
  const found = [...textsOf(victim.orgId)].filter(
    (text) => text.length >= 6 && text.length <= 512 && !own.has(text) && !text.includes(canary),
  )
  const forged = (['refresh', 'mailed', 'invitation', 'key'] as const).flatMap((kind) =>
    found
      .filter((text) => /^(ses|inv|key|verify-email|reset-password)[_-]/.test(text))
      .map((id): Value => {
        const value = Secret.random()
        return {
          foreign: Secret.write(kind, { orgId: victim.orgId, id, value }),
          unknown: Secret.write(kind, { orgId: unknownLike(victim.orgId), id: unknownLike(id), value }),
        }
      }),
  )
  const reachable = [
    ...new Set([...found, victim.orgId, ...Object.values(victim.tokens).map((token) => token.slice(0, 400))]),
  ]
  return [...reachable.map((foreign) => ({ foreign, unknown: unknownLike(foreign) })), ...forged]
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** A text of the same form: the prefix of its kind stays, the other digits and letters change. */
export function unknownLike(text: string): string {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text))
    return text.replaceAll(/[0-9a-f]/g, (digit) => ((parseInt(digit, 16) + 1) % 16).toString(16))
  if (text.startsWith('arn:')) return text.replaceAll(/\d/g, next)
  const [, kind = '', rest = '', domain = ''] =
    /^((?:[a-z]+_|verify-email-|reset-password-|[a-z]+-(?=\d))*)(.*?)(@.*)?$/s.exec(text) ?? []
  return kind + rest.replaceAll(/[0-9a-z]/gi, next) + domain
}

function next(character: string): string {
  const alphabet = /\d/.test(character)
    ? '0123456789'
    : /[a-z]/.test(character)
      ? 'abcdefghijklmnopqrstuvwxyz'
      : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  return alphabet.charAt((alphabet.indexOf(character) + 1) % alphabet.length)
}
