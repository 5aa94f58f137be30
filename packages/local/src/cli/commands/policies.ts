import { Fault, Policies } from '@cloudoptima/core'
import { type Command, Option } from 'commander'
import { contextAs } from '../../organization.ts'
import { acting, type ActingOptions, type CommonOptions, positive, withProduct } from '../options.ts'
import { clipped, count, heading, instant, right, rounded, short, show, style, table } from '../output.ts'
import { onWire } from './costs.ts'

type Policy = Policies.Public
type Preview = Awaited<ReturnType<typeof Policies.preview>>
interface PreviewOptions extends CommonOptions {
  show: 'all' | 'matching' | 'others'
  limit: number
}
interface CreateOptions extends ActingOptions {
  set?: string[]
  name?: string
  enable?: boolean
}

const examples = `
Examples:
  npm start -- policies templates
  npm start -- policies create off-hours --set time_zone=Europe/Zurich --set stop_at=20:00
  npm start -- policies preview ID --show others     why resources do not match
  npm start -- policies run ID --dry-run             what it would do
  npm start -- policies enable ID`

/** Makes a command with `--data`, `--json` and `--help`. */
export type Make = (
  name: string,
  description: string,
  run: (options: never) => Promise<number>,
  help?: string,
) => Command

/** `policies` with its commands. */
export function policiesCommand(subcommand: Make): Command {
  const onId = (name: string, description: string, run: (id: string, options: never) => Promise<number>): Command => {
    const made: Command = subcommand(name, description, (options: never) => run(made.args[0] ?? '', options))
    return made.argument('<id>', "the policy's id, as npm start -- policies prints it")
  }
  const creating: Command = acting(
    subcommand('create', 'create the policies of a template', (options: CreateOptions) =>
      create(creating.args[0] ?? '', options),
    ),
  )
    .argument('<template>', 'name of the template')
    .option('--set <name=value...>', 'parameters of the template')
    .option('--name <prefix>', 'before the names of the policies')
    .option('--enable', 'let them wait for their triggers at once')
  return subcommand('policies', 'print the policies, which act on resources by rules', list, examples)
    .addCommand(subcommand('templates', 'print the ready-made policies', templates))
    .addCommand(creating)
    .addCommand(
      onId('preview', 'print the resources that match now, and why others do not', preview)
        .addOption(new Option('--show <which>', 'only these').choices(['all', 'matching', 'others']).default('all'))
        .addOption(new Option('--limit <lines>', 'the most lines, up to 100').argParser(positive).default(20)),
    )
    .addCommand(acting(onId('run', 'execute a policy now', run).option('--dry-run', 'only plan what it would do')))
    .addCommand(acting(onId('enable', 'let a policy wait for its trigger', (id, options) => enable(id, true, options))))
    .addCommand(acting(onId('disable', 'stop a policy from waiting', (id, options) => enable(id, false, options))))
}

async function list({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const answer = await Policies.list(ctx, { pageSize: 100 })
    return show(json, onWire('policies.list', answer), listText(answer.policies))
  })
}

function listText(policies: readonly Policy[]): string {
  if (policies.length === 0)
    return [heading('Policies: none'), style.dim('npm start -- policies templates lists ready-made ones.')].join('\n')
  const columns = ['Name', 'Enabled', 'Trigger', 'Action', 'Next', right('Executions'), right('Success'), 'Id']
  return [heading(`Policies: ${count(policies.length)}`), table(columns, policies.map(rowOf))].join('\n')
}

function rowOf({ id, name, enabled, trigger, actions, nextRuns, executionCount, successRate }: Policy): string[] {
  const [next] = nextRuns
  return [
    clipped(name, 40),
    enabled ? 'yes' : 'no',
    triggerText(trigger),
    actions.map(({ type }) => type).join(', '),
    next === undefined ? '-' : instant(next),
    count(executionCount),
    successRate === null ? '-' : `${successRate} %`,
    id,
  ]
}

function triggerText({ type, config }: Policy['trigger']): string {
  const texts = Object.values(config).filter((value) => typeof value === 'string')
  return clipped(`${type}: ${texts.join(' ')}`, 40)
}

async function templates({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const answer = await Policies.templates(ctx, {})
    const rows = answer.templates.map(({ id, description, parameters }) => [
      id,
      clipped(description, 100),
      parameters.map((one) => `${one.name}=${one.default}`).join(' '),
    ])
    const text = `${heading('Templates of policies')}\n${table(['Template', 'What it does', 'Parameters'], rows)}`
    return show(json, onWire('policies.templates', answer), text)
  })
}

async function create(
  template: string,
  { data, json, as, set = [], name, enable: enabled }: CreateOptions,
): Promise<number> {
  return await withProduct(data, async ({ ctx: shown }) => {
    const ctx = await contextAs(shown, as)
    const parameters = Object.fromEntries(set.map(parameterOf))
    const answer = await Policies.createFrom(ctx, { id: template, parameters, enabled, namePrefix: name })
    const text = [
      listText(answer.policies),
      ...answer.policyIds.map((id) => style.dim(`Look at it: npm start -- policies preview ${id}`)),
    ].join('\n')
    return show(json, onWire('policies.create-from', answer), text)
  })
}

/** `stop_at=20:00` */
function parameterOf(text: string): [string, string | number] {
  const [, name, value = ''] = /^([a-z_]+)=(.+)$/s.exec(text) ?? []
  if (name === undefined) throw new Fault('invalid', `--set ${text} must be a name and a value, such as days=30.`)
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return [camel, /^\d+$/.test(value) ? Number(value) : value]
}

async function preview(id: string, { data, json, show: which, limit }: PreviewOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const answer = await Policies.preview(ctx, { policyId: id, show: which, pageSize: Math.min(limit, 100) })
    return show(json, onWire('policies.preview', answer), previewText(answer))
  })
}

function previewText({ summary, resources, pagination: { total } }: Preview): string {
  const sums = summary.costs.map(({ monthlyExact, currency }) => `${rounded(monthlyExact)} ${currency}`).join(' and ')
  const rows = resources.map(({ resourceId, resourceName, status, monthlyCostExact, currency, matches, failures }) => [
    matches ? 'yes' : 'no',
    short(resourceName ?? resourceId, 40),
    status,
    monthlyCostExact === null ? 'not known' : `${rounded(monthlyCostExact)} ${currency ?? ''}`,
    clipped(failures.map(({ condition, actual }) => `${condition}: ${actual ?? 'not known'}`).join('; '), 80),
  ])
  return [
    heading(
      `${count(summary.matching)} of ${count(summary.fleet)} resources match${sums && `; they cost ${sums} a month`}`,
    ),
    table(['Match', 'Resource', 'Status', right('Costs a month'), 'What does not hold'], rows),
    ...(total > resources.length ? [style.dim(`${count(total - resources.length)} more: --limit`)] : []),
  ].join('\n')
}

async function run(id: string, { data, json, as, dryRun }: ActingOptions & { dryRun?: boolean }): Promise<number> {
  return await withProduct(data, async ({ ctx: shown }) => {
    const answer = await Policies.execute(await contextAs(shown, as), { id, dryRun })
    const { executionId, matched, status } = answer
    const text =
      `${count(matched)} resources match. The execution ${executionId} is ${status.replaceAll('_', ' ')}. ` +
      `See how it goes on: npm start -- executions ${executionId}`
    return show(json, onWire('policies.execute', answer), text)
  })
}

async function enable(id: string, enabled: boolean, { data, json, as }: ActingOptions): Promise<number> {
  return await withProduct(data, async ({ ctx: shown }) => {
    const policy = await Policies.update(await contextAs(shown, as), { id, enabled })
    return show(json, onWire('policies.update', policy), listText([policy]))
  })
}
