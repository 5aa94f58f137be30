import { constants, copyFile, glob, mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Stack } from 'aws-cdk-lib'
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { NagSuppressions, type NagPackSuppression } from 'cdk-nag'
import { Function, type FunctionProps, type App } from 'sst/constructs'
import { architecture, logs } from './stage.ts'

/** Why a grant may name objects by pattern. */
export const anyOrganisation: NagPackSuppression = {
  id: 'AwsSolutions-IAM5',
  reason: 'Keys begin with the organisation, which only the request knows; the folder below it is named.',
  appliesTo: [{ regex: String.raw`/^Resource::[^*]+\/\*\/(raw|lake|imports)\//` }],
}

/** What one function may do: actions on the resources named. */
export interface Grant {
  actions: string[]
  resources: string[]
  /** Where a resource is a pattern. */
  because?: NagPackSuppression
}

interface Options extends Pick<FunctionProps, 'memorySize' | 'timeout' | 'diskSize' | 'environment' | 'copyFiles'> {
  handler: string
  /** Carries DuckDB, which is native code and cannot be bundled. */
  duckdb?: boolean
  grants: Grant[]
}

/** A function with a role and a log group of its own. The role holds what is granted, and nothing that a framework adds. */
export function lambda(stack: Stack, id: string, { duckdb = false, grants, ...options }: Options): Function {
  const { stage } = stack.node.root as App
  const logGroup = new LogGroup(stack, `${id}Logs`, logs(stage))
  const role = new Role(stack, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { grants: policy([{ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] }, ...grants]) },
  })
  const arch = architecture(stage)
  const fn = new Function(stack, id, {
    ...options,
    // The newest Node that Lambda has, and the one that the product is developed on; SST's own default is 22.
    runtime: 'nodejs24.x',
    architecture: arch,
    role,
    logGroup,
    tracing: 'active',
    nodejs: {
      format: 'esm',
      // What a request needs first is in one chunk; clients of services that it may never call are in others.
      splitting: true,
      sourcemap: false,
      // Identifiers stay, so that a stack trace names functions.
      esbuild: { external: ['@duckdb/*'], minifyWhitespace: true, minifySyntax: true },
      install: duckdb ? ['@duckdb/node-api', `@duckdb/node-bindings-linux-${arch === 'arm_64' ? 'arm64' : 'x64'}`] : [],
    },
    ...(duckdb && { hooks: { afterBuild: carrySql } }),
  })
  const tracing = { id: 'AwsSolutions-IAM5', reason: 'X-Ray takes segments for no resource in particular.', appliesTo: ['Resource::*'] }
  NagSuppressions.addResourceSuppressions(role, [tracing, ...grants.flatMap(({ because }) => because ?? [])], true)
  return fn
}

/** Lays the SQL files of the packages where their modules look for them: beside the bundle, by the path they have below `src`. */
async function carrySql(_props: FunctionProps, out: string): Promise<void> {
  for (const source of ['packages/lake/src', 'packages/providers/src']) {
    for await (const file of glob('**/*.sql', { cwd: source })) {
      const to = path.join(out, 'functions', file)
      await mkdir(path.dirname(to), { recursive: true })
      await copyFile(path.join(source, file), to, constants.COPYFILE_EXCL)
    }
  }
}

function policy(grants: Grant[]): PolicyDocument {
  return new PolicyDocument({ statements: grants.map(({ actions, resources }) => new PolicyStatement({ actions, resources })) })
}
