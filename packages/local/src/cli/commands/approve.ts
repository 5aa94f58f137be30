import { type Context, Executions, Fault, isFault } from '@cloudoptima/core'
import { contextAs } from '../../organization.ts'
import { type Ask, asking } from '../ask.ts'
import { type CommonOptions, withProduct } from '../options.ts'
import { note, oneLine, print, show } from '../output.ts'
import { onWire } from './costs.ts'
import { type Execution, executionText, named, nameOf, toConfirm } from './execution-text.ts'
import { hint, namesIn } from './executions.ts'
import { approversOf } from './approvers.ts'

export interface ApproveOptions extends CommonOptions {
  as?: string
  yes?: boolean
  confirm?: string[]
  reject?: string
}

/** Approves exactly the plan that it shows, or rejects it. */
export async function approve(id: string, options: ApproveOptions): Promise<number> {
  const { data, json, as, reject } = options
  return await withProduct(data, async ({ ctx: shown, services }) => {
    const ctx = await contextAs(shown, as)
    const plan = await Executions.get(ctx, { id })
    if (!json) print(executionText(plan, await namesIn(ctx, [plan])))
    const decided = reject === undefined ? await approved(ctx, plan, options) : await rejected(ctx, id, reject)
    if (!decided) {
      print('Nothing was decided.')
      return 1
    }
    const operation = reject === undefined ? 'executions.approve' : 'executions.reject'
    const result = named(resultOf(decided), await namesIn(ctx, [decided]))
    return show(json, onWire(operation, decided), `\n${result} ${hint(services, decided)}`.trimEnd())
  })
}

function resultOf({ stage, approvals, approvalsNeeded, outcome }: Execution): string {
  if (stage === 'awaiting_approval') return `Your approval is recorded: ${approvals.length} of ${approvalsNeeded}.`
  return outcome ?? `Approved. The execution is ${stage.replaceAll('_', ' ')}.`
}

const rejected = async (ctx: Context, id: string, reason: string) => await Executions.reject(ctx, { id, reason })

/** Undefined if the person says no. */
async function approved(ctx: Context, plan: Execution, options: ApproveOptions): Promise<Execution | undefined> {
  const { id, planHash, stage } = plan
  if (stage !== 'awaiting_approval' || planHash === null)
    throw new Fault('conflict', `The execution does not wait for an approval: it is ${stage.replaceAll('_', ' ')}.`)
  const { yes, json, confirm: given = [] } = options
  if (json && !yes) throw new Fault('invalid', 'With --json nobody is asked: add --yes, or --reject REASON.')
  const confirm = yes ? given : await asking(async (ask) => await confirmedBy(ask, plan, given))
  if (!confirm) return undefined
  try {
    return await Executions.approve(ctx, { id, planHash, confirm })
  } catch (error) {
    if (isFault(error, 'forbidden')) throw new Fault('forbidden', `${error.message}${await adviceOn(ctx, plan)}`)
    throw error
  }
}

async function confirmedBy(ask: Ask, plan: Execution, given: readonly string[]): Promise<string[] | undefined> {
  const confirmed = new Set(given)
  for (const target of toConfirm(plan.targets)) {
    const { confirmAs, resourceId } = target
    if (confirmed.has(confirmAs) || confirmed.has(resourceId)) continue
    const text = await ask(`${oneLine(nameOf(target))} loses something for ever. Type exactly ${confirmAs}:`)
    if (text !== confirmAs && text !== resourceId) {
      if (text !== '') note(`${oneLine(text)} is another text.`)
      return undefined
    }
    confirmed.add(text)
  }
  const answer = await ask('Approve this plan? [y/N]')
  return /^(y|yes)$/i.test(answer) ? [...confirmed] : undefined
}

/** Who else may approve. */
async function adviceOn(ctx: Context, execution: Execution): Promise<string> {
  const others = await approversOf(ctx, execution)
  return others.length === 0 ? '' : ` Here these may: --as ${others.join(', or --as ')}.`
}
