import { Calendar, Executions } from '@cloudoptima/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { approve } from './commands/approve.ts'
import { apply, executions, resume, rollBack, stop } from './commands/executions.ts'
import type { Make } from './commands/policies.ts'
import { acting, positive } from './options.ts'

const executionsExamples = `
Examples:
  npm start -- executions
  npm start -- executions --stage awaiting_approval
  npm start -- executions exe_01jf3m8x5cq2w7n4t6v9b0d1e2    plan, states before and after, log`

const approveExamples = `
Examples:
  npm start -- approve ID                               show the plan, ask, approve
  npm start -- approve ID --as cfo@demo.example         as another user
  npm start -- approve ID --yes --confirm old-data      ask nothing
  npm start -- approve ID --reject 'We still need it.'

Nobody approves their own request. An organization with one user can allow it: PUT /v1/organization with
approval_rules.allow_self_approval.`

const applyExamples = `
Examples:
  npm start -- apply rec_5b1d0c7e9f2a4836b7c8d9e0f1 --dry-run   plan, and change nothing
  npm start -- apply rec_5b1d0c7e9f2a4836b7c8d9e0f1 --at 2026-11-28T20:00:00Z

The server plans it. Then another person approves it.`

const rollBackExamples = `
Examples:
  npm start -- roll-back ID --reason 'The nightly job needs it.'`

const stopExamples = `
Examples:
  npm start -- stop 'An incident is being looked into.'
  npm start -- resume`

function time(text: string): string {
  if (!Calendar.Time.safeParse(text).success) throw new InvalidArgumentError('Write a time as 2026-11-28T20:00:00Z.')
  return text
}

/** The commands that change resources, each as a user. */
export function executionCommands(subcommand: Make): Command[] {
  const onArgument = (
    name: string,
    argument: string,
    [description, about]: readonly [string, string],
    run: (argument: string, options: never) => Promise<number>,
    examples: string,
  ): Command => {
    const made: Command = subcommand(name, description, (options: never) => run(made.args[0] ?? '', options), examples)
    return acting(made.argument(argument, about))
  }
  const listing: Command = subcommand(
    'executions',
    'print executions, or the plan and the log of one',
    (options: never) => executions(listing.args[0], options),
    executionsExamples,
  )
    .argument('[id]', "the execution's id")
    .addOption(new Option('--stage <stage>', 'only these').choices(Executions.statuses))
    .addOption(new Option('--limit <lines>', 'the most lines, up to 100').argParser(positive).default(20))
  const id = "the execution's id, as npm start -- executions prints it"
  return [
    listing,
    onArgument('approve', '<id>', ['approve or reject the plan of an execution', id], approve, approveExamples)
      .option('--yes', 'approve without asking')
      .option('--confirm <name...>', 'the texts that the plan asks to type')
      .option('--reject <reason>', 'reject it'),
    onArgument(
      'apply',
      '<recommendation>',
      ['carry a recommendation out, once it is approved', 'its id, as npm start -- recommendations prints it'],
      apply,
      applyExamples,
    )
      .option('--dry-run', 'only plan')
      .addOption(new Option('--at <time>', 'not before it (default: once it is approved)').argParser(time)),
    onArgument('roll-back', '<id>', ['take back what an execution has changed', id], rollBack, rollBackExamples).option(
      '--reason <text>',
      'why',
    ),
    onArgument('stop', '<reason>', ['halt all executions of the organization', 'why'], stop, stopExamples),
    acting(subcommand('resume', 'allow executions again after stop', resume, stopExamples)),
  ]
}
