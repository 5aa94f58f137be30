import { Anomalies } from '@cloudoptima/core'
import { type CommonOptions, withProduct } from '../options.ts'
import { heading, right, rounded, show, signed, style, table } from '../output.ts'
import { onWire } from './costs.ts'

interface AnomaliesOptions extends CommonOptions {
  start?: string
  end?: string
  status?: 'active' | 'resolved' | 'ignored' | 'withdrawn'
  limit: number
}

type Answer = Awaited<ReturnType<typeof Anomalies.list>>
type Anomaly = Answer['anomalies'][number]

export async function anomalies({ data, json, start, end, status, limit }: AnomaliesOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const pageSize = Math.min(limit, 100)
    const answer = await Anomalies.list(ctx, { startDate: start, endDate: end, status, pageSize })
    return show(json, onWire('anomalies.list', answer), textOf(answer))
  })
}

function textOf({ anomalies: found, pagination: { total } }: Answer): string {
  if (total === 0)
    return [
      heading('Unexpected costs: none'),
      style.dim('Costs are judged after each import, when ten days of them are known.'),
    ].join('\n')
  const columns = ['Days', 'Severity', right('Impact'), right('Deviation'), 'Status', 'Id']
  const lines = found.flatMap((anomaly) => [rowOf(anomaly)])
  const reasons = found.map(({ id, rootCause }) => `${style.dim(id)}  ${rootCause}`)
  const more =
    total > found.length ? [style.dim(`${total - found.length} more: --limit, or GET /v1/costs/anomalies`)] : []
  return [heading(`Unexpected costs: ${total}`), table(columns, lines), ...reasons, ...more].join('\n')
}

function rowOf({
  id,
  startDate,
  endDate,
  severity,
  impactAmount,
  currency,
  deviationPercent,
  status,
}: Anomaly): string[] {
  return [
    startDate === endDate ? startDate : `${startDate} to ${endDate}`,
    severity,
    `${impactAmount > 0 ? '+' : ''}${rounded(String(impactAmount))} ${currency}`,
    deviationPercent === null ? '' : signed(String(Math.round(deviationPercent))) + ' %',
    status,
    id,
  ]
}
