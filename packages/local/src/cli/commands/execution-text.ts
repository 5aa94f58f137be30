import { type Executions, Recommendations } from '@cloudoptima/core'
import type * as z from 'zod'
import { count, exact, heading, instant, oneLine, right, rounded, short, style, table } from '../output.ts'

export type Execution = z.infer<typeof Executions.Public>
type Summary = z.infer<typeof Executions.Summary>
type Target = Execution['targets'][number]

/** Names of people by their ids. */
export type Names = ReadonlyMap<string, string>

export function listText(executions: readonly Summary[], total: number, names: Names): string {
  if (executions.length === 0)
    return [heading('Executions: none'), style.dim('npm start -- apply RECOMMENDATION requests one.')].join('\n')
  const columns = ['Requested', 'Stage', 'Action', 'For', right('Resources'), right('Changed'), 'By', 'Id']
  const rows = executions.map((one) => [
    instant(one.requestedAt),
    stageOf(one),
    one.action.title,
    one.recommendationId ?? one.policyId ?? '-',
    count(one.resourcesMatched),
    count(one.resourcesAffected),
    names.get(one.requestedBy) ?? one.requestedBy,
    one.id,
  ])
  const left = total - executions.length
  return [
    heading(`Executions: ${count(total)}`),
    table(columns, rows),
    ...(left > 0 ? [style.dim(`${count(left)} more: --limit, or GET /v1/executions`)] : []),
  ].join('\n')
}

const stageOf = ({ stage, dryRun }: Summary) => `${stage.replaceAll('_', ' ')}${dryRun ? ' (dry run)' : ''}`

/** The plan, how far it is, and what was done. */
export function executionText(execution: Execution, names: Names): string {
  const { id, action, targets, outcome, planHash, logs, measured } = execution
  const lost = toConfirm(targets)
  const notes = targets.flatMap(({ notes: own, ...target }) => own.map((text) => `${nameOf(target)}: ${text}`))
  return [
    heading(`${action.title}: ${stageOf(execution)}`),
    ...factsOf(execution, names),
    ...(outcome === null ? [] : [named(oneLine(outcome), names)]),
    ...(targets.length === 0 ? [] : [heading('Plan'), planTable(targets)]),
    ...notes.map((text) => style.dim(oneLine(text))),
    ...lost.map((target) => style.red(oneLine(`${nameOf(target)}: ${lossOf(target)}`))),
    style.dim(`Rollback: ${execution.undone}`),
    ...measured.map(({ days, monthly, currency }) => `Saved after ${days} days: ${exact(monthly)} ${currency} a month`),
    heading('Log'),
    ...[
      ...logs.map((line) => ({ line, of: undefined })),
      ...targets.flatMap((target) => target.logs.map((line) => ({ line, of: nameOf(target) }))),
    ]
      .toSorted((a, b) => (timeOf(a.line) < timeOf(b.line) ? -1 : timeOf(a.line) > timeOf(b.line) ? 1 : 0))
      .map(({ line, of }) => named(logLine(line, of), names)),
    '',
    style.dim(`Execution ${id}${planHash === null ? '' : `, hash of the plan ${planHash}`}`),
  ].join('\n')
}

/** A text with the names of people in place of their ids. */
export const named = (text: string, names: Names): string =>
  text.replaceAll(/\busr_\w+/g, (user) => names.get(user) ?? user)

const timeOf = (line: string) => line.slice(0, line.indexOf(' '))

const fact = (name: string, value: string) => `${name.padEnd(12)}${value}`

function factsOf(execution: Execution, names: Names): string[] {
  const { stage, requestedBy, requestedAt, scheduledFor, approvals, approvalsNeeded, approveBy } = execution
  const people = approvals.map(({ by }) => names.get(by) ?? by).join(', ')
  const given = `${approvals.length} of ${approvalsNeeded}${people === '' ? '' : `: ${people}`}`
  return [
    fact('Requested', `${instant(requestedAt)} by ${names.get(requestedBy) ?? requestedBy}`),
    ...(scheduledFor === null ? [] : [fact('Not before', instant(scheduledFor))]),
    ...(approvalsNeeded === 0 ? [] : [fact('Approvals', given)]),
    ...(stage === 'awaiting_approval' && approveBy !== null ? [fact('Expires', instant(approveBy))] : []),
  ]
}

function planTable(targets: readonly Target[]): string {
  const columns = ['Resource', 'Where', 'Change', 'Undo', right('Costs a month'), 'State']
  return table(
    columns,
    targets.map((target) => {
      const { provider, accountId, region, monthlyCost, state, reason } = target
      return [
        short(nameOf(target), 40),
        `${provider} ${accountId} ${region}`,
        state === 'left_out' ? '-' : changeOf(target),
        undoOf(target),
        monthlyCost === null ? 'not known' : `${rounded(monthlyCost.amount)} ${monthlyCost.currency}`,
        `${state.replaceAll('_', ' ')}${reason === null ? '' : `: ${reason}`}`,
      ]
    }),
  )
}

const valueText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value ?? null))

/** `VolumeType: gp2 -> gp3` */
function changeOf({ before, after }: Target): string {
  if (after === null) return 'gone afterwards'
  return Object.entries(after)
    .filter(([field, value]) => JSON.stringify(before?.[field]) !== JSON.stringify(value))
    .map(([field, value]) => `${field}: ${valueText(before?.[field])} -> ${valueText(value)}`)
    .join('; ')
}

function undoOf({ undo, lost, losesData }: Target): string {
  if (losesData !== null && undo !== 'none') return `loses data; without ${lost.join(', ')}`
  switch (undo) {
    case null:
      return '-'
    case 'full':
      return 'yes'
    case 'partial':
      return `without ${lost.join(', ')}`
    case 'none':
      return 'no'
    default:
      return undo satisfies never
  }
}

const logLine = (line: string, of?: string) =>
  oneLine(`${instant(line)}${of === undefined ? '' : `  ${of}:`}${line.slice(line.indexOf(' '))}`)

export const nameOf = ({ resourceName, resourceId }: Pick<Target, 'resourceName' | 'resourceId'>): string =>
  Recommendations.nameOf({ id: resourceId, name: resourceName ?? undefined })

interface Loss extends Target {
  confirmAs: string
}

/** The planned resources that an approver has to name, because something of them is lost for ever. */
export const toConfirm = (targets: readonly Target[]): Loss[] =>
  targets.flatMap((target) => (target.confirmAs === null ? [] : { ...target, confirmAs: target.confirmAs }))

/** `It cannot be undone. To approve it, type old-data` */
const lossOf = ({ undo, losesData, confirmAs }: Loss): string =>
  [
    ...(undo === 'none' ? ['It cannot be undone.'] : []),
    ...(losesData === null ? [] : [losesData]),
    `To approve it, type ${confirmAs}`,
  ].join(' ')
