import { constants, copyFile, glob, mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Stack } from 'aws-cdk-lib'
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { NagSuppressions } from 'cdk-nag'
import { Function, type FunctionProps, type App } from 'sst/constructs'
import { architecture, logRetention, removalPolicy } from './stage.ts'

/** Why a grant may name objects by pattern. */
export const anyOrganisation = 'Keys begin with the organisation, which only the request knows; the folder below it is named.'

/** What one function may do: actions on the resources named. */
export interface Grant {
  actions: string[]
  resources: string[]
  /** Why a resource is a pattern; required where one is. */
  reason?: string
}

interface Options extends Pick<FunctionProps, 'memorySize' | 'timeout' | 'diskSize' | 'environment'> {
  handler: string
  /** Carries DuckDB, which is native code and cannot be bundled. */
  duckdb?: boolean
  grants: Grant[]
}

/** A function with a role and a log group of its own. The role holds what is granted, and nothing that a framework adds. */
export function lambda(stack: Stack, id: string, { duckdb = false, grants, ...options }: Options): Function {
  const { stage } = stack.node.root as App
  const logGroup = new LogGroup(stack, `${id}Logs`, { retention: logRetention(stage), removalPolicy: removalPolicy(stage) })
  const role = new Role(stack, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { grants: policy([{ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] }, ...grants]) },
  })
  NagSuppressions.addResourceSuppressions(
    role,
    [
      { id: 'AwsSolutions-IAM5', reason: 'X-Ray takes segments from any resource: xray:Put* know no resource.', appliesTo: ['Resource::*'] },
      ...grants.flatMap(({ reason }) => (reason === undefined ? [] : [{ id: 'AwsSolutions-IAM5', reason }])),
    ],
    true,
  )
  const arch = architecture(stage)
  return new Function(stack, id, {
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
