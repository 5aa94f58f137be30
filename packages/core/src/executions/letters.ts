import { actions } from '../actions/actions.ts'
import type { Context } from '../effects/context.ts'
import * as Idempotency from '../guard/idempotency.ts'
import { timeText } from '../kernel/calendar.ts'
import type { Event } from '../kernel/event.ts'
import * as Money from '../kernel/money.ts'
import * as Organization from '../organization/organization.ts'
import type * as User from '../identity/people/user.ts'
import { mayApproveByMail, mint } from './approvals.ts'
import { circumstancesOf } from './circumstances.ts'
import { confirmationsOf } from './confirmation.ts'
import { personOf } from './person.ts'
import type * as Execution from './execution.ts'
import * as Target from './target.ts'

type Asked = Pick<Event<'approval.requested'>, 'id' | 'data'>

const mostNamed = 20

/** Asks each person who may approve the execution, once for each event. */
export async function send(ctx: Context, { id: eventId, data }: Asked): Promise<void> {
  const execution = await ctx.tables.policyExecutions.get(ctx.orgId, data.executionId)
  if (execution?.status !== 'awaiting_approval') return
  const targets = await Target.all(ctx, execution.id)
  const requester = await personOf(ctx, execution.requestedBy)
  for (const user of await approversOf(ctx, execution))
    await Idempotency.once(ctx, { key: `${eventId}/${user.id}`, request: data }, async () => {
      const link = `${ctx.runtime.publicUrl()}/v1/approve?token=${await mint(ctx, execution.id, user.id)}`
      await ctx.runtime.mail.send({
        to: user.email,
        ...letterOf(execution, { targets, requester, link, now: ctx.now() }),
      })
      return {}
    })
}

/** Verified users with the permission, who have not approved it; its requester only where that is allowed. */
async function approversOf(ctx: Context, { requestedBy, approvals }: Execution.Info): Promise<User.Info[]> {
  const organization = await Organization.load(ctx)
  const { approvalRules } = organization
  const users = (await ctx.tables.users.all(ctx.orgId)).filter(({ isActive }) => isActive)
  const done = new Set(approvals.map(({ by }) => by))
  const maySelf = approvalRules.allowSelfApproval && users.length === 1
  return users.filter(
    (user) =>
      user.emailVerified &&
      mayApproveByMail(user, organization) &&
      !done.has(user.id) &&
      (user.id !== requestedBy || maySelf),
  )
}

interface Facts {
  targets: readonly Target.Info[]
  requester: string
  link: string
  now: Date
}

function letterOf(execution: Execution.Info, { targets, requester, link, now }: Facts) {
  const { action, approveBy = '' } = execution
  const planned = targets.filter(({ state }) => state === 'planned')
  const confirmations = confirmationsOf(targets)
  const named = planned.slice(0, mostNamed).map(lineOf)
  const more = planned.length - named.length
  const text = [
    `${actions[action].title}: ${planned.length} ${planned.length === 1 ? 'resource' : 'resources'}, requested by ` +
      `${requester}.`,
    ...circumstancesOf(execution, now),
    '',
    ...named,
    ...(more > 0 ? [`- and ${more} more`] : []),
    '',
    ...(confirmations.length > 0
      ? [
          'Something is lost for ever. To approve it, type these texts exactly:',
          ...confirmations.slice(0, mostNamed).map(({ text }) => `  ${text}`),
          ...(confirmations.length > mostNamed ? ['The page shows the others.'] : []),
        ]
      : [`It can be taken back: ${actions[action].undone}`]),
    '',
    `Look at the whole plan, and approve or reject it until ${timeText(approveBy)}:`,
    '',
    link,
    '',
    'The link is yours alone, and works once. Opening it decides nothing.',
    '',
  ]
  return { subject: `CloudOptima: approve "${actions[action].title}"?`, text: text.join('\n') }
}

function lineOf({ target, provider, accountId, monthlyCost, undo, losesData }: Target.Info): string {
  const cost = monthlyCost ? `, ${Money.parse(monthlyCost.amount).toFixed(2)} ${monthlyCost.currency} a month` : ''
  const lost = losesData ?? (undo === 'none' ? 'It cannot be undone.' : '')
  return `- ${target.name ?? target.id} (${provider} ${accountId}, ${target.region}${cost}). ${lost}`.trimEnd()
}
