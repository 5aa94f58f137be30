import * as z from 'zod'

/** What the product may be made of: licences that ask for no more than to be named. */
const allowed = new Set(
  [
    'MIT',
    'MIT-0',
    'Apache-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'ISC',
    '0BSD',
    'BlueOak-1.0.0',
    'CC0-1.0',
    'Python-2.0',
    'Unlicense',
  ].map((id) => id.toLowerCase()),
)

/** What is taken although its package does not say so in the way that SPDX has it, by name. */
export type Exceptions = Record<string, { licence: string; because: string }>

const Licence = z.union([
  z.object({ license: z.object({ id: z.string() }) }).transform(({ license }) => license.id),
  z.object({ license: z.object({ name: z.string() }) }).transform(({ license }) => license.name),
  z.object({ expression: z.string() }).transform(({ expression }) => expression),
])

/** A bill of materials, as far as it is read here. https://cyclonedx.org/docs/1.6/json/ */
export const Bom = z.object({
  components: z.array(
    z.object({
      group: z.string().optional(),
      name: z.string(),
      version: z.string(),
      licenses: z.array(Licence).default([]),
    }),
  ),
})

export interface Verdict {
  /** How many packages each licence has, the commonest first. */
  counts: [licence: string, packages: number][]
  /** A sentence for each package that must not be there, and each exception that is of no use any more. */
  complaints: string[]
}

/** Holds every package of others against what is allowed. */
export function judge({ components }: z.infer<typeof Bom>, exceptions: Exceptions): Verdict {
  const used = new Set<string>()
  const found = components
    .filter(({ group }) => group !== '@cloudoptima')
    .map(({ group, name, version, licenses }) => {
      const full = group === undefined ? name : `${group}/${name}`
      const said = licenses.join(' and ')
      if (licenses.length > 0 && licenses.every(isAllowed)) return { full, version, said }
      const exception = exceptions[full]
      if (exception) used.add(full)
      return {
        full,
        version,
        said: exception?.licence ?? said,
        complaint: !exception && `${full} ${version} has the licence ${said || 'that it does not name'}`,
      }
    })
  const stale = Object.keys(exceptions).filter((name) => !used.has(name))
  return {
    counts: [...Map.groupBy(found, ({ said }) => said)]
      .map(([said, all]): [string, number] => [said, all.length])
      .toSorted(([, a], [, b]) => b - a),
    complaints: [
      ...found.flatMap(({ complaint }) => complaint || []),
      ...stale.map((name) => `The exception for ${name} is not needed any more`),
    ],
  }
}

/** One of alternatives must be allowed, and all that hold together; an expression with brackets is not allowed. */
function isAllowed(expression: string): boolean {
  const plain = expression.replace(/^\(([^()]*)\)$/, '$1')
  return plain
    .split(/ OR /i)
    .some((alternative) => alternative.split(/ AND /i).every((id) => allowed.has(id.trim().toLowerCase())))
}
