import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Export } from '@cloudoptima/core'
import { findPython } from './python.ts'
import { expected, type Reasons, validatorsOwn } from './validate/expected.ts'
import { judged, type Judgement, stale } from './validate/judge.ts'
import { exported, samplesIn } from './validate/samples.ts'
import { asParquet } from './validate/typed.ts'
import { pythonVersion, type Validator, validatorOf } from './validate/validator.ts'

// Exports what was imported as FOCUS 1.2 and has the official validator judge it. What may fail, and why, stands in validate/expected.ts. See docs/focus.md.

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

/** The validator uses one core: two run side by side. */
async function judgedAll(parts: readonly Part[], validator: Validator): Promise<Judgement[]> {
  const waiting = parts.entries()
  const judgements: Judgement[] = []
  const work = async (): Promise<void> => {
    for (const [index, part] of waiting) judgements[index] = await judge(part, validator)
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
  const what = `${sample.padEnd(23)} ${provider.padEnd(13)} ${period} ${String(rows).padStart(6)} rows`
  say(
    `  ${unexpected.length > 0 ? 'FAIL' : 'ok  '}  ${what}  ${passed} rules kept, ${allowed.length} excused, ${unexpected.length} broken`,
  )
  for (const { rule, violations, says } of unexpected) say(`        ${rule}: ${violations} x ${says}`)
  return judgement
}

function reasonsFor(sample: string, provider: string): Reasons {
  return { ...validatorsOwn, ...expected[sample]?.[provider] }
}

function conclude(judgements: readonly Judgement[], ms: number): number {
  say('\nExcused, because the source has it no better (validate/expected.ts):')
  for (const line of excuses(judgements)) say(`  ${line}`)
  const outdated = stale(judgements, expected, validatorsOwn)
  for (const line of outdated)
    say(`\nFAIL  ${line}: it no longer fails, so it must leave scripts/validate/expected.ts and docs/focus.md.`)
  const broken = judgements.filter(({ unexpected }) => unexpected.length > 0).length
  say(`\nFOCUS 1.2: ${judgements.length - broken} passed, ${broken} failed, in ${(ms / 1000).toFixed(0)} s`)
  return broken + outdated.length > 0 ? 1 : 0
}

/** Each sample's rules with their reasons, once. */
function excuses(judgements: readonly Judgement[]): string[] {
  const lines = judgements.flatMap(({ sample, provider, allowed }) =>
    allowed.map(({ rule }) => {
      const own = validatorsOwn[rule]
      return own === undefined
        ? `${sample}, ${provider}: ${rule}: ${reasonsFor(sample, provider)[rule]}`
        : `every bill: ${rule}: ${own}`
    }),
  )
  return [...new Set(lines)].toSorted()
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

process.exitCode = await main()
