import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const fixture = (name: string): unknown => read(join(import.meta.dirname, `${name}.asl.json`))

/** Definitions that the contract runs, by workflow: its own, and the product's pipeline. */
export const definitions: Record<string, unknown> = {
  ...Object.fromEntries(
    ['branches', 'map', 'parallel', 'loop', 'wait', 'retry', 'names', 'token', 'expiry'].map((name) => [
      name,
      fixture(name),
    ]),
  ),
  bills: read(createRequire(import.meta.url).resolve('@cloudoptima/core/bills.asl.json')),
}

/** Names of the functions that a definition invokes. */
export const functionsOf = (definition: unknown): string[] =>
  [...JSON.stringify(definition).matchAll(/"\$\{(\w+)\}"/g)].map(([, name = '']) => name)
