import { Changes, type Metric } from '@cloudoptima/core'
import { type CommonOptions, withProduct } from '../options.ts'
import { heading, right, rounded, short, show, style, table } from '../output.ts'
import { filtersOf, onWire } from './costs.ts'

interface ChangesOptions extends CommonOptions {
  from?: string
  to?: string
  metric: Metric
  currency?: string
  filter?: string[]
  limit: number
}

type Answer = Awaited<ReturnType<typeof Changes.get>>
type Figures = Pick<Answer, 'beforeExact' | 'afterExact' | 'changeExact' | 'causes'>
interface Line extends Figures {
  name: string
  children?: Line[]
}

export async function changes({ data, json, filter = [], ...asked }: ChangesOptions): Promise<number> {
  const filters = filtersOf(filter)
  return await withProduct(data, async ({ ctx }) => {
    const answer = await Changes.get(ctx, { ...asked, filters })
    return show(json, onWire('costs.changes', answer), textOf(answer))
  })
}

function textOf(answer: Answer): string {
  const { from, to, currency, meta } = answer
  const columns = ['', right('Before'), right('After'), right('Change'), 'Causes']
  const lines = answer.providers.flatMap((provider) => rowsOf(provider, 0))
  const title = `${from.startDate} to ${from.endDate} against ${to.startDate} to ${to.endDate}`
  return [
    heading(`Changes of the ${meta.metric} cost in ${currency}: ${title}`),
    table(columns, [...lines, rowOf('Total', answer).map((cell) => style.bold(cell))]),
    ...meta.missing.map(({ detail }) => style.dim(detail)),
    ...(meta.sameLength ? [] : [style.dim(lengths(answer))]),
  ].join('\n')
}

function lengths({ from, to, perDay }: Answer) {
  const [before, after] = [perDay.before, perDay.after].map((cost) => rounded(String(cost)))
  return `The periods have ${from.days} and ${to.days} days: ${before} and ${after} a day.`
}

function rowsOf(line: Line, depth: number): string[][] {
  const below = (line.children ?? []).flatMap((child) => rowsOf(child, depth + 1))
  return [rowOf(`${'  '.repeat(depth)}${short(line.name, 44)}`, line), ...below]
}

function rowOf(name: string, { beforeExact, afterExact, changeExact, causes }: Figures): string[] {
  const shown = Object.entries(causes)
    .filter(([, cost]) => Math.abs(Number(cost)) >= 0.005)
    .toSorted(([, a], [, b]) => Math.abs(Number(b)) - Math.abs(Number(a)))
  return [
    name,
    rounded(beforeExact),
    rounded(afterExact),
    increase(changeExact),
    shown.map(([cause, cost]) => `${cause} ${increase(cost)}`).join(', '),
  ]
}

const increase = (cost: string) => `${Number(cost) >= 0.005 ? '+' : ''}${rounded(cost)}`
