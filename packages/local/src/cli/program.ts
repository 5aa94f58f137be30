import {
  Anomalies,
  Recommendations,
  Calendar,
  costMetrics,
  dimensions,
  focusVersions,
  Organization,
} from '@cloudoptima/core'
import { Argument, Command, Option } from 'commander'
import { accounts } from './commands/accounts.ts'
import { anomalies } from './commands/anomalies.ts'
import { recommendations } from './commands/recommendations.ts'
import { changes } from './commands/changes.ts'
import { costs, filterNames } from './commands/costs.ts'
import { originOf } from '../server/exposure.ts'
import { mails } from './commands/mails.ts'
import { exportFocus } from './commands/export.ts'
import { executionCommands } from './execution-program.ts'
import { type CommonOptions, day, defaultData, defaultPort, port, positive } from './options.ts'
import { escaped } from './output.ts'
import { forecast } from './commands/forecast.ts'
import { queues, redrive } from './commands/queues.ts'
import { policiesCommand } from './commands/policies.ts'
import { rebuild } from './commands/rebuild.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { tier } from './commands/tier.ts'
import { token } from './commands/token.ts'

const startExamples = `
Examples:
  npm start                                            serve; a fresh data folder gets a generated sample
  npm start -- --import bill.csv.gz                    import a bill, show its totals, serve
  npm start -- --import 'exports/*/2024-09*.parquet'   each match is a delivery of its own
  npm start -- --import exports/2024-09                a folder is one delivery, imported as a whole or not at all
  npm start -- --import actual.csv amortized.csv       the two Azure sets of one period are one delivery
  npm start -- --once --json --import bill.csv         for scripts: print one line of JSON and end
  npm start -- --public-url https://costs.example.com --trust-proxy loopback
                                                       serve behind a TLS proxy on this machine

Exit codes: 0 success, 1 error (an invalid option, a port in use, an internal error), 2 an import was refused.`

const costsExamples = `
Examples:
  npm start -- costs
  npm start -- costs --granularity daily --start 2024-09-01 --end 2024-09-30
  npm start -- costs --group-by tag --tag-key Team --filter provider=AWS
  npm start -- costs --filter service="AWS Lambda" --filter tag:Environment=production --metric billed
  npm start -- costs --json | jq .breakdown`

const changesExamples = `
Examples:
  npm start -- changes
  npm start -- changes --from 2024-08 --to 2024-09
  npm start -- changes --from 2024-09-01..2024-09-07 --to 2024-09-08..2024-09-14 --filter provider=AWS
  npm start -- changes --json | jq .causes`

const anomaliesExamples = `
Examples:
  npm start -- anomalies
  npm start -- anomalies --start 2024-09-01 --status active
  npm start -- anomalies --json | jq '.anomalies[].root_cause'`

const recommendationsExamples = `
Examples:
  npm start -- recommendations
  npm start -- recommendations --category storage --sort savings
  npm start -- recommendations --status insufficient_data
  npm start -- recommendations --json | jq '.recommendations[].title'`

const forecastExamples = `
Examples:
  npm start -- forecast
  npm start -- forecast --days 90 --filter provider=AWS
  npm start -- forecast --json | jq .month_end`

const tokenExamples = `
Examples:
  TOKEN=$(npm start --silent -- token)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:4000/v1/me
  npm start --silent -- token --as viewer@demo.example`

const exportExamples = `
Examples:
  npm start -- export --focus 1.2 --out focus
  npm start -- export --focus 1.0 --out focus --period 2024-09`

const queuesExamples = `
Examples:
  npm start -- queues
  npm start -- queues --json | jq .deadLetters
  npm start -- queues redrive collect-aws

A message that failed as often as its queue allows is a dead letter. Find its error in this list and in log/cloudoptima.log of
the data folder, remove the cause, then move the dead letters back with redrive.`

const tierExamples = `
Examples:
  npm start -- tier org_01jf3m8x5cq2w7n4t6v9b0d1e2 pro

The tier limits the requests and the bills of an organization. GET /v1/me shows the organization's id.`

type Run = (options: never) => Promise<number>

export function createProgram(exit: (code: number) => void): Command {
  const acting = (command: Command, run: Run, examples: string): Command =>
    command
      .addOption(new Option('--data <dir>', 'folder of all persistent data').default(defaultData))
      .option('--json', 'print one line of JSON and nothing else')
      .helpOption('--help', 'show this help')
      .helpCommand(false)
      .enablePositionalOptions()
      .configureOutput({ outputError: (text, write) => write(escaped(text)) })
      .addHelpText('after', examples)
      .action(async () => exit(await run(merged(command) as never)))
  const subcommand = (name: string, description: string, run: Run, examples = examplesOf(name)): Command =>
    acting(new Command(name).description(description), run, examples)
  const redriving: Command = subcommand(
    'redrive',
    'move the dead letters of a queue back, so that they are delivered again',
    (options: CommonOptions) => redrive(redriving.args[0] ?? '', options),
    '\nExamples:\n  npm start -- queues redrive collect-aws',
  ).argument('<queue>', 'name of the queue, as npm start -- queues prints it')
  const tiering: Command = subcommand(
    'tier',
    'set the tier of an organization',
    (options: CommonOptions) => tier(tiering.processedArgs as [string, Organization.Tier], options),
    tierExamples,
  )
    .argument('<organization>', "the organization's id")
    .addArgument(new Argument('<tier>', 'the new tier').choices(Organization.Tier.options))
  const program = new Command('cloudoptima')
    .description(
      'CloudOptima on one machine: imports the bills of AWS, Azure, Google Cloud and others, and analyzes their costs.',
    )
    .usage('[options] [command]')
    .option('--import <path...>', 'bills to import: files, folders, patterns')
    .addOption(new Option('--port <number>', `port of the API (default: ${defaultPort})`).argParser(port))
    .option('--host <address>', 'address that the API listens on; 0.0.0.0 admits other machines (default: 127.0.0.1)')
    .addOption(
      new Option(
        '--public-url <url>',
        'URL of the proxy before the API, such as https://costs.example.com, for links in mails and sign-ins',
      ).argParser(originOf),
    )
    .option('--trust-proxy <address...>', 'proxies whose X-Forwarded-For is trusted: addresses, networks, or loopback')
    .option('--once', 'end after the import instead of serving')
    .option('--replace', 'accept a delivery with less than half of the rows that it replaces')
    .showHelpAfterError('For all options and commands: npm start -- --help')
  // With an action of its own, a program takes an unknown command for an argument.
  const starting: Run = async (options) => {
    const [unknown] = program.args
    if (unknown !== undefined) program.error(`error: unknown command ${unknown}`)
    return await start(options)
  }
  acting(program.allowExcessArguments(), starting, startExamples)
    .addCommand(withCostOptions(subcommand('costs', 'print costs by dimension and over time', costs, costsExamples)))
    .addCommand(
      withCostFilters(
        subcommand('changes', 'explain the difference between the costs of two periods', changes, changesExamples)
          .option('--from <period>', 'month YYYY-MM, or days YYYY-MM-DD..YYYY-MM-DD (default: just before --to)')
          .option('--to <period>', 'month or days (default: just after --from, or else the last complete month)'),
        "only this currency (default: the organization's, or the one of most bills)",
      ).addOption(
        new Option('--limit <lines>', 'lines below each line; a last one sums up the rest')
          .argParser(positive)
          .default(5),
      ),
    )
    .addCommand(subcommand('accounts', 'print the connected cloud accounts, their costs and problems', accounts))
    .addCommand(
      subcommand('anomalies', 'print unexpected costs and their root causes', anomalies, anomaliesExamples)
        .addOption(new Option('--start <day>', 'those that end on this day or later').argParser(day))
        .addOption(new Option('--end <day>', 'those that begin on this day or earlier').argParser(day))
        .addOption(new Option('--status <status>', 'only these').choices(Anomalies.statuses))
        .addOption(new Option('--limit <lines>', 'the most lines, up to 100').argParser(positive).default(20)),
    )
    .addCommand(
      subcommand('recommendations', 'print ways to save, with the total', recommendations, recommendationsExamples)
        .addOption(new Option('--status <status>', 'only these (default: active)').choices(Recommendations.statuses))
        .addOption(new Option('--category <category>', 'only these').choices(Recommendations.categories))
        .addOption(new Option('--sort <order>', 'the order (default: priority)').choices(Recommendations.sorts))
        .addOption(new Option('--min-savings <amount>', 'only those that save as much a month').argParser(positive))
        .addOption(new Option('--limit <lines>', 'the most lines, up to 100').argParser(positive).default(20)),
    )
    .addCommand(
      subcommand('forecast', 'forecast the costs of the coming days by service', forecast, forecastExamples)
        .addOption(
          new Option('--days <number>', 'days after the last complete one, up to 365').argParser(positive).default(30),
        )
        .option('--currency <currency>', "currency of the answer (default: the organization's)")
        .option('--filter <name=value...>', `only these costs; names: ${filterNames.join(', ')}`),
    )
    .addCommand(
      subcommand('export', 'write the costs as FOCUS files', exportFocus, exportExamples)
        .addOption(new Option('--focus <version>', 'version of FOCUS').choices(focusVersions).makeOptionMandatory())
        .requiredOption('--out <dir>', 'folder of the files; created if missing')
        .option('--period <month>', 'only this billing period, YYYY-MM'),
    )
    .addCommand(subcommand('rebuild', 'rebuild the lake from the raw bills and compare the totals', rebuild))
    .addCommand(
      subcommand('token', 'print an access token for the API, valid for 15 minutes', token, tokenExamples).option(
        '--as <email>',
        'user of the token (default: the admin of the shown organization)',
      ),
    )
    .addCommand(
      subcommand('mails', 'print the mails that this machine keeps instead of sending them, newest first', mails).alias(
        'outbox',
      ),
    )
    .addCommand(
      subcommand('queues', 'print the depth of each queue, and its dead letters', queues, queuesExamples).addCommand(
        redriving,
      ),
    )
    .addCommand(policiesCommand(subcommand))
  for (const command of executionCommands(subcommand)) program.addCommand(command)
  return program
    .addCommand(tiering)
    .addCommand(subcommand('status', 'print the content of the data folder, and whether a server runs on it', status))
}

const examplesOf = (name: string) =>
  `\nExamples:\n  npm start -- ${name}\n  npm start -- ${name} --data .cloudoptima --json`

function withCostOptions(command: Command): Command {
  const dated = command
    .option('--start <day>', 'first day, YYYY-MM-DD (default: twelve months before the last day)', day)
    .option('--end <day>', 'last day, inclusive (default: the last day with costs)', day)
    .addOption(
      new Option('--granularity <step>', 'steps of the time series')
        .choices(Calendar.Granularity.options)
        .default('monthly'),
    )
    .addOption(new Option('--group-by <dimension>', 'dimension of the lines').choices(dimensions).default('service'))
    .option('--tag-key <key>', 'key of the tag, with --group-by tag')
  return withCostFilters(dated, 'only this currency (default: one table per currency)').addOption(
    new Option('--limit <lines>', 'lines of a table; a last line sums up the rest').argParser(positive).default(25),
  )
}

function withCostFilters(command: Command, ofCurrency: string): Command {
  return command
    .addOption(new Option('--metric <cost>', 'cost metric of FOCUS').choices(costMetrics).default('effective'))
    .option('--currency <code>', ofCurrency)
    .option(
      '--filter <dimension=value...>',
      `only the charges that match: tag:KEY=..., or one of ${filterNames.join('=..., ')}=...`,
    )
}

/** --data and --json may also precede the command's name. */
function merged(command: Command): object {
  const shared = lineOf(command).flatMap((each) =>
    ['data', 'json'].flatMap((name) =>
      each.getOptionValueSource(name) === 'cli' ? [[name, each.getOptionValue(name) as unknown]] : [],
    ),
  )
  return { ...command.opts(), ...Object.fromEntries(shared) }
}

function lineOf(command: Command): Command[] {
  return [...(command.parent ? lineOf(command.parent) : []), command]
}
