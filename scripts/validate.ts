import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Export } from '@cloudoptima/core'
import { findPython } from './python.ts'
import { expected, type Reasons, validatorDefects } from './validate/expected.ts'
import { judged, type Judgement, stale } from './validate/judge.ts'
import { exported, samplesIn } from './validate/samples.ts'
import { asParquet } from './validate/typed.ts'
import { pythonVersion, type Validator, validatorOf } from './validate/validator.ts'

// Imports sample bills, exports them as FOCUS 1.2 and checks the exports with the official validator.
// validate/expected.ts lists the allowed failures with their reasons. See docs/focus.md.

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const data = join(root, '..', 'shared', 'data')

/** One exported partition. */
interface Part extends Export.Exported {
  sample: string
}

async function main(): Promise<number> {
  const python = findPython(pythonVersion)
  const hasData = existsSync(data)
  if (python === undefined || !hasData) {
    const missing = [
      ...(python === undefined ? [`Python ${pythonVersion} with venv`] : []),
      ...(hasData ? [] : ['the bills in ../shared/data']),
    ]
    const isRequired = Boolean(process.env['CI'])
    say(
      `${isRequired ? 'The validation cannot run' : 'Validation skipped'}: this machine lacks ${missing.join(' and ')}.`,
    )
    return isRequired ? 1 : 0
  }
  const began = performance.now()
  const validator = validatorOf(root, python)
  const dir = await mkdtemp(join(tmpdir(), 'cloudoptima-validate-'))
  try {
    const parts: Part[] = []
    for (const sample of samplesIn(data)) {
      for (const file of await exported(root, sample, join(dir, sample.name)))
        parts.push({ ...file, sample: sample.name })
    }
    say(`Validating ${parts.length} exports as FOCUS 1.2\n`)
    const judgements = await judgedAll(parts, validator)
    return conclude(judgements, performance.now() - began)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Runs two validators at a time, because each uses one core. */
async function judgedAll(parts: readonly Part[], validator: Validator): Promise<Judgement[]> {
  const queue = parts.entries()
  const judgements: Judgement[] = []
  const work = async (): Promise<void> => {
    for (const [index, part] of queue) judgements[index] = await judge(part, validator)
  }
  await Promise.all([work(), work()])
  return judgements
}

async function judge(
  { path, sample, provider, billingAccountId, period, rows }: Part,
  validator: Validator,
): Promise<Judgement> {
  const parquet = `${path}.parquet`
  await asParquet(path, parquet)
  const judgement = judged(
    await validator.validate(parquet),
    { sample, provider, billingAccountId, period, rows },
    reasonsFor(sample, provider),
  )
  const { unexpected, allowed, passed } = judgement
  const label = `${sample.padEnd(23)} ${provider.padEnd(13)} ${period} ${String(rows).padStart(6)} rows`
  say(
    `  ${unexpected.length > 0 ? 'FAIL' : 'ok  '}  ${label}  ${passed} rules passed, ${allowed.length} allowed failures, ${unexpected.length} unexpected failures`,
  )
  for (const { rule, violations, requirement } of unexpected) say(`        ${rule}: ${violations} x ${requirement}`)
  return judgement
}

function reasonsFor(sample: string, provider: string): Reasons {
  return { ...validatorDefects, ...expected[sample]?.[provider] }
}

function conclude(judgements: readonly Judgement[], ms: number): number {
  say('\nAllowed failures and their reasons (validate/expected.ts):')
  for (const line of allowedFailures(judgements)) say(`  ${line}`)
  const outdated = stale(judgements, expected, validatorDefects)
  for (const line of outdated)
    say(`\nFAIL  ${line} no longer fails. Remove it from scripts/validate/expected.ts and docs/focus.md.`)
  const broken = judgements.filter(({ unexpected }) => unexpected.length > 0).length
  say(`\nFOCUS 1.2: ${judgements.length - broken} passed, ${broken} failed, in ${(ms / 1000).toFixed(0)} s`)
  return broken + outdated.length > 0 ? 1 : 0
}

/** Each allowed failure with its reason, once. */
function allowedFailures(judgements: readonly Judgement[]): string[] {
  const lines = judgements.flatMap(({ sample, provider, allowed }) =>
    allowed.map(({ rule }) => {
      const defect = validatorDefects[rule]
      return defect === undefined
        ? `${sample}, ${provider}: ${rule}: ${reasonsFor(sample, provider)[rule]}`
        : `every bill: ${rule}: ${defect}`
    }),
  )
  return [...new Set(lines)].toSorted()
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

process.exitCode = await main()
