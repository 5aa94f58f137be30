import { routes } from '@cloudoptima/api'
import { takesKey } from '../../packages/api/src/route.ts'

/** Some operations of the API, attacked in the name of an organization of their own. */
export interface Run {
  name: string
  /** Why these are apart from the others; of the first, what it is. */
  why: string
  only?: readonly string[]
  /** As much of it as fits into this time. */
  seconds: number
}

/** Every operation is in one of the runs; those that would spoil a run for the others are in one by themselves. */
export const runs: readonly Run[] = [
  { name: 'everything', why: 'all operations but those below', seconds: 90 },
  { name: 'session', why: 'it ends the session that asks', only: ['auth.logout'], seconds: 10 },
  {
    name: 'settings',
    why: 'it changes how often, and whether, the organization may ask',
    only: ['organization.update'],
    seconds: 15,
  },
  {
    name: 'provider',
    why: 'a provider that is set would be asked, and nothing may leave this machine',
    only: ['openid.begin', 'openid.finish'],
    seconds: 15,
  },
]

/** Where what the schema allows is refused all the same, with 422, for what no schema can say; everywhere else it must be taken. */
export function refusing(): Map<string, string> {
  const known = new Map([
    ['auth.verify-email', 'a token that nobody was mailed'],
    ['auth.reset-password', 'a token that nobody was mailed'],
    ['auth.change-password', 'a password that is among the most common'],
  ])
  const keyed = routes
    .filter(takesKey)
    .map(({ id }): [string, string] => [id, 'an Idempotency-Key that came with another request before'])
  return new Map([...keyed, ...known])
}

/** What Schemathesis is told beside its arguments: a file of settings. */
export function settings(): string {
  const unchecked = [...refusing()].map(
    ([id, why]) =>
      `# ${why}\n[[operations]]\ninclude-operation-id = "${id}"\nchecks.positive_data_acceptance.enabled = false\n`,
  )
  return unchecked.join('\n')
}
