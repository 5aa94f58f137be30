import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { optionalPermissions, readGrants } from './aws/access/read-grants.ts'
import { azurePermissions, isNeeded } from './azure/permissions.ts'
import { gcpPermissions, optionalGcpPermissions } from './gcp/permissions.ts'

interface Named {
  names: readonly string[]
  isOptional(name: string): boolean
  /** Between the service and the rest of a name. */
  separator: string
}

const permissions: Record<string, Named> = {
  AWS: {
    names: readGrants.map(({ permission }) => permission),
    isOptional: (name) => optionalPermissions.has(name),
    separator: ':',
  },
  Azure: { names: Object.keys(azurePermissions), isOptional: (name) => !isNeeded(name), separator: '/' },
  'Google Cloud': {
    names: Object.keys(gcpPermissions),
    isOptional: (name) => optionalGcpPermissions.has(name),
    separator: '.',
  },
}

/** The rows of the page: the service, its needed permissions, and its optional ones. */
function rowsOf({ names, isOptional, separator }: Named): string[] {
  const services = Map.groupBy(new Set(names), (name) => name.split(separator)[0] ?? '')
  return [...services].map(([service, own]) => {
    const [needed, optional] = [false, true].map((wanted) =>
      own
        .filter((name) => isOptional(name) === wanted)
        .map((name) => `\`${name.slice(service.length + 1)}\``)
        .join(' '),
    )
    return `| \`${service}\` | ${needed || '-'} | ${optional || '-'} |`
  })
}

test.each(Object.entries(permissions))(
  'the page about deployment has the permissions of %s, and no others',
  (cloud, named) => {
    const page = readFileSync(new URL('../../../docs/deployment.md', import.meta.url), 'utf8')
    const [, section = ''] = page.split(`\n#### Permissions of ${cloud}\n`)
    const rows = section
      .split(/\n#+ /)[0]
      ?.split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(rows?.map((row) => row.replace(/ +/g, ' '))).toEqual(rowsOf(named))
  },
)
