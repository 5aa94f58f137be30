import { hash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { type Approvals, Calendar, type Executions, type Fault, Money } from '@cloudoptima/core'
import type * as z from 'zod'
import { document, type Html } from './document.ts'

type Execution = z.infer<typeof Executions.Public>
type Target = Execution['targets'][number]
type Shown = Awaited<ReturnType<typeof Approvals.shown>>

const style = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24 }
h1 { font-size: 1.5rem } code { font-size: .85rem; overflow-wrap: anywhere } small { color: #57606a }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #d0d7de; padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top }
td.number { text-align: right; white-space: nowrap }
textarea, input[type=text] { box-sizing: border-box; font: inherit; padding: .4rem; width: 100% }
button { border: 1px solid #1b1f24; border-radius: .3rem; background: #fff; cursor: pointer }
button { font: inherit; padding: .5rem 1.2rem }
button.main { background: #1a7f37; border-color: #1a7f37; color: #fff }
.wide { overflow-x: auto }
.warning { background: #fff1e5; border-left: .3rem solid #bc4c00; padding: .5rem 1rem }
fieldset { border: 0; margin: 1.5rem 0; padding: 0 }
`

// As the hash of the policy has it: a template would be indented.
const sheet = raw(`<style>${style}</style>`)

/** Of each page. */
export const headers = {
  'Content-Security-Policy':
    `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'self'; ` +
    "frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
}

const cost = ({ monthly_cost: own }: { monthly_cost: { amount: string; currency: string } | null }) =>
  own ? `${Money.parse(own.amount).toFixed(2)} ${own.currency}` : 'not known'

const counted = (count: number) => (count === 1 ? '1 resource' : `${count} resources`)

const valueText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

function changesOf({ before, after }: Target): Html[] {
  if (after === null) return [html`<div>It is gone afterwards.</div>`]
  return Object.entries(after)
    .filter(([field, value]) => JSON.stringify(before?.[field]) !== JSON.stringify(value))
    .map(
      ([field, value]) =>
        html`<div>
          ${field}: <code>${valueText(before?.[field] ?? null)}</code> → <code>${valueText(value)}</code>
        </div>`,
    )
}

function rowOf(target: Target): Html {
  const { resourceName, resourceId, provider, accountId, region, lost, losesData, notes, undo } = target
  return html`<tr>
    <td>
      ${resourceName ?? resourceId}<br /><small>${resourceId}<br />${provider} ${accountId}, ${region}</small>
    </td>
    <td>${changesOf(target)}${notes.map((note) => html`<div><small>${note}</small></div>`)}</td>
    <td>
      ${undo === 'none' ? html`<strong>Cannot be undone</strong>` : 'Can be undone'}
      ${losesData === null ? '' : html`<br /><strong>Loses data: ${losesData}</strong>`}
      ${lost.length > 0 ? html`<br /><small>Lost: ${lost.join(', ')}</small>` : ''}
    </td>
    <td class="number">${cost({ monthly_cost: target.monthlyCost })}</td>
  </tr>`
}

/** The plan with its form, while it waits for a decision. */
export function pageOf({ execution, requester, circumstances }: Shown, token: string, complaint?: string): Html {
  if (execution.stage !== 'awaiting_approval') return decidedPage(execution)
  const { action, targets, planHash, approvals, approvalsNeeded, approveBy, undone } = execution
  const planned = targets.filter(({ state }) => state === 'planned')
  const leftOut = targets.filter(({ state }) => state === 'left_out')
  return document(
    `${action.title}?`,
    sheet,
    html`<h1>${action.title}: ${counted(planned.length)}</h1>
      ${complaint === undefined ? '' : html`<p class="warning" role="alert">${complaint}</p>`}
      <p>
        Requested by ${requester}. It has ${approvals.length} of ${approvalsNeeded} approvals. It expires at
        ${Calendar.timeText(approveBy ?? '')}.
      </p>
      <ul>
        ${circumstances.map((one) => html`<li>${one}</li>`)}
      </ul>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th>Resource</th>
              <th>Change</th>
              <th>Rollback</th>
              <th>Cost a month</th>
            </tr>
          </thead>
          <tbody>
            ${planned.map(rowOf)}
          </tbody>
        </table>
      </div>
      <p><small>Rollback: ${undone}</small></p>
      ${leftOut.length === 0 ? '' : leftOutList(leftOut)}
      <p>
        <small>Hash of the plan: <code>${planHash ?? ''}</code></small>
      </p>
      ${formOf(planned, token, planHash ?? '')}`,
  )
}

function leftOutList(leftOut: readonly Target[]): Html {
  return html`<p>Left out:</p>
    <ul>
      ${leftOut.map((one) => html`<li>${one.resourceName ?? one.resourceId}: ${one.reason ?? ''}</li>`)}
    </ul>`
}

function formOf(planned: readonly Target[], token: string, planHash: string): Html {
  const texts = planned.flatMap(({ confirmAs }) => confirmAs ?? [])
  return html`<form method="post" action="approve">
    <input type="hidden" name="token" value="${token}" />
    <input type="hidden" name="plan_hash" value="${planHash}" />
    ${
      texts.length === 0
        ? ''
        : html`<fieldset class="warning">
            <label>
              ${counted(texts.length)} cannot be brought back as before. To approve, type exactly these texts, one a
              line:
              <textarea name="confirm" rows="${Math.min(10, texts.length + 1)}"></textarea>
            </label>
            <ul>
              ${texts.map((text) => html`<li><code>${text}</code></li>`)}
            </ul>
          </fieldset>`
    }
    <fieldset>
      <label>Reason, if you reject it: <input type="text" name="reason" maxlength="2000" /></label>
    </fieldset>
    <button class="main" name="decision" value="approve">Approve this plan</button>
    <button name="decision" value="reject">Reject</button>
  </form>`
}

const sentences: Record<Execution['stage'], string> = {
  planning: 'This execution is being planned',
  awaiting_approval: 'This execution waits for approvals',
  waiting: 'This execution is approved',
  executing: 'This execution is running',
  rolling_back: 'This execution is being rolled back',
  planned: 'This execution was a dry run',
  nothing_to_do: 'This execution has nothing to do',
  rejected: 'This execution is rejected',
  expired: 'This execution has expired',
  canceled: 'This execution is canceled',
  stopped: 'This execution is stopped',
  succeeded: 'This execution has succeeded',
  partial: 'This execution has succeeded in part',
  failed: 'This execution has failed',
  rolled_back: 'This execution is rolled back',
}

/** Of an execution that waits for others, or is decided. */
export function decidedPage({ id, stage, outcome, action, approvals, approvalsNeeded, scheduledFor }: Execution): Html {
  const isWaiting = stage === 'awaiting_approval'
  const says = isWaiting ? `Your approval is recorded: ${approvals.length} of ${approvalsNeeded}` : sentences[stage]
  const next = stage === 'waiting' && scheduledFor !== null ? `It begins at ${Calendar.timeText(scheduledFor)}.` : ''
  return document(
    says,
    sheet,
    html`<h1>${says}</h1>
      <p>${action.title}. ${outcome ?? next}</p>
      <p><small>Execution ${id}</small></p>`,
  )
}

/** Why the link does nothing. */
export function refusalPage({ message }: Fault): Html {
  return document(
    'This cannot be done',
    sheet,
    html`<h1>This cannot be done</h1>
      <p>${message}</p>`,
  )
}
