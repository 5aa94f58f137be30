import { hash } from 'node:crypto'
import { Hono } from 'hono'
import { html, raw } from 'hono/html'
import { Approvals, type Executions, Fault, Id, isFault, parse } from '@cloudoptima/core'
import type * as z from 'zod'
import { anonymousContext } from '../admission.ts'
import type { Host } from '../host.ts'

type Execution = z.infer<typeof Executions.Public>
type Target = Execution['targets'][number]

/** The page of the link in a mail. Looking at it decides nothing: its form does. */
export function approvalPage(host: Host): Hono {
  const app = new Hono()
  const contextOf = (c: Parameters<typeof anonymousContext>[0]) =>
    anonymousContext(c, host, Id.create('req', new Date()))
  app.get('/', async (c) => {
    const token = c.req.query('token') ?? ''
    try {
      return await c.html(planPage(await Approvals.shown(contextOf(c), token), token), 200, headers)
    } catch (error) {
      return c.html(refusalPage(faultOf(error)), 422, headers)
    }
  })
  app.post('/', async (c) => {
    const form = await c.req.parseBody()
    const { token = '', plan_hash: planHash, decision, confirm, reason } = form
    try {
      const input = parse(Approvals.Deciding, { token, planHash, decision, confirm, reason })
      return await c.html(decidedPage(await Approvals.decide(contextOf(c), input)), 200, headers)
    } catch (error) {
      return c.html(refusalPage(faultOf(error)), 422, headers)
    }
  })
  return app
}

/** Other errors are answered blankly. */
function faultOf(error: unknown): Fault {
  const codes = ['invalid', 'conflict', 'forbidden', 'not_found'] as const
  const known = codes.some((code) => isFault(error, code))
  if (known && error instanceof Fault) return error
  throw error
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24 }
h1 { font-size: 1.5rem } code { font-size: .85rem; overflow-wrap: anywhere } small { color: #57606a }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #d0d7de; padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top }
td.number { text-align: right; white-space: nowrap }
textarea, input[type=text] { box-sizing: border-box; font: inherit; padding: .4rem; width: 100% }
button { border: 1px solid #1b1f24; border-radius: .3rem; background: #fff; cursor: pointer; font: inherit; padding: .5rem 1.2rem }
button.main { background: #1a7f37; border-color: #1a7f37; color: #fff }
.warning { background: #fff1e5; border-left: .3rem solid #bc4c00; padding: .5rem 1rem }
fieldset { border: 0; margin: 1.5rem 0; padding: 0 }
`

// As the hash of the policy has it: a template would be indented.
const sheet = raw(`<style>${style}</style>`)

const headers = {
  'Content-Security-Policy':
    `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'self'; ` +
    "frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
}

type Html = ReturnType<typeof html>

function document(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${sheet}
      </head>
      <body>
        ${body}
      </body>
    </html>`
}

const cost = ({ monthly_cost: own }: { monthly_cost: { amount: string; currency: string } | null }) =>
  own ? `${Number(own.amount).toFixed(2)} ${own.currency}` : 'not known'

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
  const { resourceName, resourceId, provider, accountId, region, lost, notes, undo } = target
  return html`<tr>
    <td>
      ${resourceName ?? resourceId}<br /><small>${resourceId}<br />${provider} ${accountId}, ${region}</small>
    </td>
    <td>${changesOf(target)}${notes.map((note) => html`<div><small>${note}</small></div>`)}</td>
    <td>
      ${undo === 'none' ? html`<strong>Cannot be undone</strong>` : 'Can be undone'}
      ${lost.length > 0 ? html`<br /><small>Lost: ${lost.join(', ')}</small>` : ''}
    </td>
    <td class="number">${cost({ monthly_cost: target.monthlyCost })}</td>
  </tr>`
}

function planPage(execution: Execution, token: string): Html {
  const { action, targets, planHash, stage, approvals, approvalsNeeded, approveBy, requestedBy, undone } = execution
  const planned = targets.filter(({ state }) => state === 'planned')
  const leftOut = targets.filter(({ state }) => state === 'left_out')
  const lost = planned.filter(({ undo }) => undo === 'none')
  if (stage !== 'awaiting_approval') return decidedPage(execution)
  return document(
    `${action.title}?`,
    html`<h1>${action.title}: ${planned.length} resources</h1>
      <p>
        Requested by ${requestedBy}. ${approvals.length} of ${approvalsNeeded} approvals, until ${approveBy ?? ''}.
        ${undone}
      </p>
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
      ${
        leftOut.length > 0
          ? html`<p>
              <small
                >Left out:
                ${leftOut.map((one) => `${one.resourceName ?? one.resourceId} (${one.reason ?? ''})`).join('; ')}</small
              >
            </p>`
          : ''
      }
      <p>
        <small>Hash of the plan: <code>${planHash ?? ''}</code></small>
      </p>
      <form method="post" action="approve">
        <input type="hidden" name="token" value="${token}" />
        <input type="hidden" name="plan_hash" value="${planHash ?? ''}" />
        ${
          lost.length > 0
            ? html`<fieldset class="warning">
                <label>
                  ${lost.length} resources are lost for ever. Type the name of each, one a line, to approve it:
                  <textarea name="confirm" rows="${Math.min(10, lost.length + 1)}"></textarea>
                </label>
              </fieldset>`
            : ''
        }
        <fieldset>
          <label>Reason, if you reject it: <input type="text" name="reason" maxlength="2000" /></label>
        </fieldset>
        <button class="main" name="decision" value="approve">Approve this plan</button>
        <button name="decision" value="reject">Reject</button>
      </form>`,
  )
}

function decidedPage({ id, stage, outcome, action, approvals, approvalsNeeded }: Execution): Html {
  const isWaiting = stage === 'awaiting_approval'
  const says = isWaiting
    ? `Your approval is recorded: ${approvals.length} of ${approvalsNeeded}.`
    : `This execution is ${stage.replaceAll('_', ' ')}.`
  return document(
    says,
    html`<h1>${says}</h1>
      <p>${action.title}. ${outcome ?? ''}</p>
      <p><small>Execution ${id}</small></p>`,
  )
}

function refusalPage({ message }: Fault): Html {
  return document(
    'This cannot be done',
    html`<h1>This cannot be done</h1>
      <p>${message}</p>`,
  )
}
