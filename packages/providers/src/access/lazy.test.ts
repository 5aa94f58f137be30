import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const source = dirname(import.meta.dirname)

/**
 * The packages that a module loads by static imports, directly or indirectly. Type imports are erased, and `import()`
 * loads later.
 */
function loads(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const code = readFileSync(file, 'utf8')
  const imported = [...code.matchAll(/^(?:import|export) (?!type\b)[^'(]*? ?from '([^']+)'|^import '([^']+)'/gm)].map(
    ([, from, bare]) => from ?? bare ?? '',
  )
  return imported.flatMap((specifier) =>
    specifier.startsWith('.') ? loads(join(dirname(file), specifier), seen) : [specifier],
  )
}

test.each(['access.ts', 'index.ts'])('%s loads no SDK before the first request to a cloud', (entry) => {
  expect(
    loads(join(source, entry)).filter(
      (name) => !name.startsWith('node:') && !['@cloudoptima/core', 'lru-cache', 'zod'].includes(name),
    ),
  ).toEqual([])
})

test('the search for static imports finds packages', () => {
  expect(loads(join(source, 'access.ts'))).toContain('@cloudoptima/core')
})
