import { routes } from '@cloudoptima/api'
import { takesKey } from '../../packages/api/src/route.ts'

/** A set of operations, tested with an organization of their own. */
export interface Run {
  name: string
  /** Why these operations have a run of their own. */
  why: string
  only?: readonly string[]
  /** Time limit. */
  seconds: number
}

/** All operations, each in one run. Operations that would disturb the other tests have separate runs. */
export const runs: readonly Run[] = [
  { name: 'everything', why: 'all operations except those of the other runs', seconds: 90 },
  { name: 'session', why: 'it ends its own session', only: ['auth.logout'], seconds: 10 },
  {
    name: 'settings',
    why: "it changes the organization's rate limit and access",
    only: ['organization.update'],
    seconds: 15,
  },
  {
    name: 'provider',
    why: 'a configured provider would be called, and no request may leave this machine',
    only: ['openid.begin', 'openid.finish'],
    seconds: 15,
  },
]

/** Operations that refuse schema-conforming input with 422, with the reason; a schema cannot express it. */
export function stricterThanSchema(): Map<string, string> {
  const special = new Map([
    ['costs.changes', 'a day that does not exist, or a last day before the first one'],
    ['auth.login', 'an e-mail address of rare characters'],
    ['auth.forgot-password', 'an e-mail address of rare characters'],
    ['auth.verify-email', 'a token that was never mailed'],
    ['auth.reset-password', 'a token that was never mailed'],
    ['auth.change-password', 'a common password'],
    ['organization.update', 'a time zone that does not exist'],
  ])
  const keyed = routes.filter(takesKey).map(({ id }): [string, string] => [id, 'an Idempotency-Key of another request'])
  return new Map([...keyed, ...special])
}

/** Those of Schemathesis, and 413 for a body over the limit, which is refused before it is read. */
const refusals = `[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
`

/** The content of schemathesis.toml. */
export function settings(): string {
  const unchecked = [...stricterThanSchema()].map(
    ([id, why]) =>
      `# ${why}\n[[operations]]\ninclude-operation-id = "${id}"\nchecks.positive_data_acceptance.enabled = false\n`,
  )
  return [refusals, ...unchecked].join('\n')
}
