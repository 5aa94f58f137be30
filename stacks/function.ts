import { constants, copyFile, glob, mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Stack } from 'aws-cdk-lib'
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { NagSuppressions } from 'cdk-nag'
import { Function, type FunctionProps, type App } from 'sst/constructs'
import { alarm } from './alarms.ts'
import type { Grant } from './grants.ts'
import { architecture, isPassing, logs, pattern } from './stage.ts'

/** SST installs no optional packages, so each processor's is named too. */
const natives = {
  duckdb: (processor: string) => ['@duckdb/node-api', `@duckdb/node-bindings-linux-${processor}`],
  argon2: (processor: string) => ['@node-rs/argon2', `@node-rs/argon2-linux-${processor}-gnu`],
}

/** SST's default is 22. */
export const runtime = 'nodejs24.x'

interface Options extends Pick<FunctionProps, 'memorySize' | 'timeout' | 'diskSize' | 'environment' | 'copyFiles'> {
  handler: string
  /** Native modules, which esbuild cannot bundle. */
  carries?: (keyof typeof natives)[]
  grants: Grant[]
  /** At once, on a permanent stage; also the most it may have. */
  reserved?: number | undefined
}

/** With its own log group, and a role with these grants and none of SST's. */
export function lambda(stack: Stack, id: string, { carries = [], grants, reserved, ...options }: Options): Function {
  const { stage } = stack.node.root as App
  const logGroup = new LogGroup(stack, `${id}Logs`, logs(stage))
  const role = new Role(stack, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: {
      grants: policy([
        { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
        ...grants,
      ]),
    },
  })
  const arch = architecture(stage)
  const fn = new Function(stack, id, {
    ...options,
    // Temporary stages share their account's limit, so that they take nothing from it for good.
    ...(reserved !== undefined && !isPassing(stage) && { reservedConcurrentExecutions: reserved }),
    runtime,
    architecture: arch,
    role,
    logGroup,
    tracing: 'active',
    nodejs: {
      format: 'esm',
      // SDK clients get chunks of their own.
      splitting: true,
      sourcemap: false,
      // SST keeps the names of functions, so stack traces stay readable.
      minify: true,
      esbuild: { external: ['@duckdb/*', '@node-rs/*'] },
      install: carries.flatMap((name) => natives[name](arch === 'arm_64' ? 'arm64' : 'x64')),
    },
    // Access to clouds knows the columns of bill formats, whose modules read their SQL.
    hooks: { afterBuild: carrySql },
  })
  alarm(stack, `${id}Errors`, {
    metric: fn.metricErrors(),
    from: 1,
    because: `${id} failed or ran out of time or memory: see its log group.`,
  })
  alarm(stack, `${id}Throttles`, {
    metric: fn.metricThrottles(),
    from: 1,
    because: `${id} was not started: the function or the account has reached its limit of concurrent executions.`,
  })
  const tracing = pattern('The actions of X-Ray know no resources.', 'Resource::*')
  NagSuppressions.addResourceSuppressions(role, [tracing, ...grants.flatMap(({ because }) => because ?? [])], true)
  return fn
}

/** The modules read their SQL files beside the bundle, under the path below `src`. */
async function carrySql(_props: FunctionProps, out: string) {
  for (const source of ['packages/lake/src', 'packages/providers/src']) {
    for await (const file of glob('**/*.sql', { cwd: source })) {
      const to = path.join(out, 'functions', file)
      await mkdir(path.dirname(to), { recursive: true })
      await copyFile(path.join(source, file), to, constants.COPYFILE_EXCL)
    }
  }
}

function policy(grants: Grant[]): PolicyDocument {
  return new PolicyDocument({
    statements: grants.map(
      ({ actions, resources, conditions = {} }) => new PolicyStatement({ actions, resources, conditions }),
    ),
  })
}
