import { Command, InvalidArgumentError, Option } from 'commander'
import { costs, type CostsOptions } from './commands/costs.ts'
import { originOf } from '../server/facing.ts'
import { outbox } from './commands/outbox.ts'
import { exportFocus, type ExportOptions } from './commands/export.ts'
import { defaultData, defaultPort, type StartOptions } from './options.ts'
import { queues, redrive } from './commands/queues.ts'
import { rebuild } from './commands/rebuild.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { token, type TokenOptions } from './commands/token.ts'

const startExamples = `
Examples:
  npm start                                            serve; a fresh data folder gets a generated sample
  npm start -- --import bill.csv.gz                    import a bill, show its totals, serve
  npm start -- --import 'exports/*/2024-09*.parquet'   each match is a delivery of its own
  npm start -- --import exports/2024-09                a folder is one delivery: all of it or nothing
  npm start -- --import actual.csv amortized.csv       the two Azure sets of one period belong together
  npm start -- --once --json --import bill.csv         for scripts: one line of JSON, then the end
  npm start -- --public-url https://costs.example.com --trust-proxy loopback
                                                       serve behind a proxy of this machine that speaks TLS

Exit codes: 0 done, 1 it could not run (a wrong option, a port in use, a fault of ours), 2 an import was refused.`

const costsExamples = `
Examples:
  npm start -- costs
  npm start -- costs --granularity daily --start 2024-09-01 --end 2024-09-30
  npm start -- costs --group-by tag --tag-key Team --filter provider=AWS
  npm start -- costs --filter service="AWS Lambda" --filter tag:Environment=production --metric billed
  npm start -- costs --json | jq .breakdown`

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

/** The command line. `exit` receives the exit code of what was run. */
export function createProgram(exit: (code: number) => void): Command {
  const program = new Command('cloudoptima')
    .description(
      'CloudOptima on one machine: imports the bills of AWS, Azure, Google Cloud and others, and answers where the money went.',
    )
    .usage('[options] [command]')
    .enablePositionalOptions()
    .option('--import <path...>', 'bills to import: files, folders, patterns')
    .addOption(dataOption())
    .addOption(new Option('--port <number>', `port of the API (default: ${defaultPort})`).argParser(port))
    .option('--host <address>', 'address that the API listens on; 0.0.0.0 lets other machines in (default: 127.0.0.1)')
    .addOption(
      new Option(
        '--public-url <url>',
        'where a proxy before the API answers, https://costs.example.com: for links in mails and sign-ins',
      ).argParser(originOf),
    )
    .option('--trust-proxy <address...>', 'proxies whose X-Forwarded-For is believed: addresses, networks, or loopback')
    .option('--once', 'end after the import instead of serving')
    .option('--json', 'print one line of JSON and nothing else')
    .option('--replace', 'accept a delivery that has less than half of the rows it replaces')
    .helpOption('--help', 'show this help')
    .helpCommand(false)
    .showHelpAfterError('See what there is with: npm start -- --help')
    .addHelpText('after', startExamples)
    .action(async (options: StartOptions) => exit(await start(options)))
  program.addCommand(costsCommand(exit))
  program.addCommand(exportCommand(exit))
  program.addCommand(simple('rebuild', 'make the lake again from the raw bills, and compare the totals', rebuild, exit))
  program.addCommand(tokenCommand(exit))
  program.addCommand(simple('outbox', 'the mails that this machine would have sent, newest first', outbox, exit))
  program.addCommand(queuesCommand(exit))
  program.addCommand(simple('status', 'what the data folder holds, and whether a server runs on it', status, exit))
  return program
}

function costsCommand(exit: (code: number) => void): Command {
  return subcommand('costs', 'where the money went, as a table with its run over time')
    .option('--start <day>', 'first day, YYYY-MM-DD (default: twelve months before the last)', day)
    .option('--end <day>', 'last day, inclusive (default: the last in the lake)', day)
    .addOption(
      new Option('--granularity <step>', 'steps of the run over time')
        .choices(['daily', 'weekly', 'monthly'])
        .default('monthly'),
    )
    .addOption(
      new Option('--group-by <dimension>', 'what the lines are')
        .choices(['service', 'region', 'account', 'provider', 'tag'])
        .default('service'),
    )
    .option('--tag-key <key>', 'the tag to group by')
    .addOption(
      new Option('--metric <cost>', 'which cost')
        .choices(['billed', 'effective', 'list', 'contracted'])
        .default('effective'),
    )
    .option('--currency <code>', 'only this currency (default: a table for each)')
    .option(
      '--filter <dimension=value...>',
      'only what matches: service=..., provider=..., account=..., subaccount=..., region=..., category=..., tag:KEY=...',
    )
    .addOption(new Option('--limit <lines>', 'lines of a table; the rest is summed').argParser(positive).default(25))
    .addHelpText('after', costsExamples)
    .action(async (_, command: Command) => exit(await costs(merged<CostsOptions>(command))))
}

function exportCommand(exit: (code: number) => void): Command {
  return subcommand('export', 'write what the lake holds as FOCUS files')
    .addOption(
      new Option('--focus <version>', 'version of FOCUS')
        .choices(['1.0', '1.1', '1.2', '1.3', '1.4'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <dir>', 'folder for the files; made where missing')
    .option('--period <month>', 'only this billing period, YYYY-MM')
    .addHelpText('after', exportExamples)
    .action(async (_, command: Command) => exit(await exportFocus(merged<ExportOptions>(command))))
}

function tokenCommand(exit: (code: number) => void): Command {
  return subcommand('token', 'print an access token for 15 minutes, to ask the API with')
    .option('--as <email>', "whose (default: the admin of what is shown, your own bills' or the demo's)")
    .addHelpText('after', tokenExamples)
    .action(async (_, command: Command) => exit(await token(merged<TokenOptions>(command))))
}

function queuesCommand(exit: (code: number) => void): Command {
  const all = subcommand('queues', 'show how many messages each queue holds, and its dead letters')
  const back = subcommand('redrive', 'move the dead letters of a queue back, so that they are delivered again')
    .argument('<queue>', 'name of the queue, as npm start -- queues shows it')
    .addHelpText('after', '\nExamples:\n  npm start -- queues redrive collect-aws')
    .action(async (queue: string, _, command: Command) => exit(await redrive(queue, merged(command))))
  return all
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', queuesExamples)
    .addCommand(back)
    .action(async (_, command: Command) => exit(await queues(merged(command))))
}

function simple(
  name: string,
  description: string,
  run: (options: { data: string; json?: boolean }) => Promise<number>,
  exit: (code: number) => void,
): Command {
  return subcommand(name, description)
    .addHelpText('after', `\nExamples:\n  npm start -- ${name}\n  npm start -- ${name} --data .cloudoptima --json`)
    .action(async (_, command: Command) => exit(await run(merged(command))))
}

function subcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(dataOption())
    .option('--json', 'print one line of JSON and nothing else')
    .helpOption('--help', 'show this help')
}

function dataOption(): Option {
  return new Option('--data <dir>', 'folder in which everything is kept').default(defaultData)
}

/** --data and --json may stand before the command as well as after it. */
function merged<Options>(command: Command): Options {
  const shared = lineOf(command).flatMap((each) =>
    ['data', 'json'].flatMap((name) =>
      each.getOptionValueSource(name) === 'cli' ? [[name, each.getOptionValue(name) as unknown]] : [],
    ),
  )
  return { ...command.opts<Record<string, unknown>>(), ...Object.fromEntries(shared) } as Options
}

/** The program, and each command on the way to this one. */
function lineOf(command: Command): Command[] {
  return [...(command.parent ? lineOf(command.parent) : []), command]
}

function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return value
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

function day(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError('Write a day as 2024-09-30.')
  return text
}
