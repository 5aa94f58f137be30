// Writes the bill of materials, and fails for a forbidden licence or a known weakness: `npm run licences [-- file]`.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pnpm } from './install.mjs'
import { Bom, type Exceptions, judge } from './licences/judge.ts'

const root = join(import.meta.dirname, '..')
const [to = join(root, 'sbom.cdx.json')] = process.argv.slice(2)
const file = resolve(to)

const exceptions: Exceptions = {
  lazy: {
    licence: 'MIT',
    because: 'its package.json says {"type": "MIT"}, as was done before SPDX. Of dynalite, which only one machine runs',
  },
}

function ask(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(
    'npm',
    ['exec', '--yes', `--package=${pnpm}`, '--', 'pnpm', ...args],
    { cwd: root, encoding: 'utf8' },
  )
  return { status, output: error ? error.message : `${stdout}${stderr}`.trim() }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const written = ask(
  'sbom',
  '--sbom-format',
  'cyclonedx',
  '--sbom-spec-version',
  '1.6',
  '--sbom-type',
  'application',
  '--prod',
  '--out',
  file,
)
if (written.status !== 0) throw new Error(`No bill of materials was written: ${written.output}`)
const bom = Bom.parse(JSON.parse(readFileSync(file, 'utf8')))
const { counts, complaints } = judge(bom, exceptions)
say(`bill of materials: ${file}`)
say(`licences: ${counts.map(([licence, packages]) => `${packages} ${licence}`).join(', ')}`)
for (const [name, { licence, because }] of Object.entries(exceptions))
  say(`exception: ${name} (${licence}): ${because}`)

const { status, output } = ask('audit', '--prod', '--audit-level', 'high', '--ignore-registry-errors')
const isUnanswered = status === 0 && output.includes('audit endpoint')
say(isUnanswered ? `weaknesses: NOT looked for. ${output}` : `weaknesses, from high on: ${output || 'none'}`)
if (status !== 0) complaints.push('A package has a weakness that is known')
for (const complaint of complaints) say(`FAILED: ${complaint}.`)
process.exitCode = complaints.length > 0 ? 1 : 0
