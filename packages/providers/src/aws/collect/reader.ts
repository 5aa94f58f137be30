import { type Call, Fault, type Problem } from '@cloudoptima/core'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import { timeoutMs } from '../../access/ask.ts'
import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo } from '../../access/verdict.ts'
import type { SdkError } from '../access/refusal.ts'
import { globalRegion, type Session } from '../access/session.ts'
import { Failure, failureOf, failureToAct } from './failure.ts'
import type { Sessions } from './sessions.ts'

/** Calls to one account, for one collection. */
export interface Reader {
  access: AccessTo<'aws'>
  account: string
  /** `aws`, `aws-cn` or `aws-us-gov`. */
  partition: string
  /** A client whose calls are counted, time out, and throw `Failure`. `prefix` is IAM's name of the service. */
  client<Client extends SdkClient>(prefix: string, kind: ClientKind<Client>, region?: string): Client
  /** For a call without an SDK client. */
  session(): Promise<Session>
  /** The result of `work`; if AWS refuses it, reports the part and answers undefined. */
  attempt<Result>(part: string, work: () => Promise<Result>): Promise<Result | undefined>
  /** Reports each problem once. */
  report(problem: Problem): void
}

type Middleware = <Args extends { input: object }, Output>(
  next: (args: Args) => Promise<Output>,
  context: { commandName?: string },
) => (args: Args) => Promise<Output>

export interface SdkClient {
  middlewareStack: { add(middleware: Middleware, options: { step: 'initialize'; name: string }): void }
}
export type ClientKind<Client> = new (settings: ReturnType<typeof clientSettings>) => Client

/** The prices of AWS in USD, and its limits by account. */
const known: Record<string, (input: { MetricDataQueries?: unknown[] }, account: string) => Omit<Call, 'api'>> = {
  'ce:GetCostAndUsage': (_, account) => ({
    price: '0.01',
    limits: [{ name: `aws/${account}/ce`, most: 5, windowSeconds: 1 }],
  }),
  // $0.01 for 1,000 metrics: https://aws.amazon.com/cloudwatch/pricing/
  'cloudwatch:GetMetricData': ({ MetricDataQueries = [] }) => ({ price: (MetricDataQueries.length / 1e5).toFixed(5) }),
}
/** The caller counts this call, because only the caller knows the bytes. */
const countedByCaller = 's3:GetObject'

/**
 * Opens an account for one collection or `action`; throws Fault `forbidden` if AWS refuses the credentials. The calls of
 * an action are not repeated, because one without an answer may have changed something.
 */
export async function openReader(
  options: AccessOptions,
  sessions: Sessions,
  access: AccessTo<'aws'>,
  purpose: 'collection' | 'action' = 'collection',
): Promise<Reader> {
  const role = await sessions.roleOf(access)
  const { NodeHttpHandler } = await import('@smithy/node-http-handler')
  const handler = new NodeHttpHandler({
    connectionTimeout: 3000,
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
    socketTimeout: timeoutMs,
  })
  const endpoint = options.endpoints?.aws
  const credentials = async () => await sessions.keysOf(access)
  const clients = new Map<string, SdkClient>()
  const reported = new Set<string>()
  const report = (problem: Problem): void => {
    const key = `${problem.state} ${problem.part}`
    if (!reported.has(key)) access.report(problem)
    reported.add(key)
  }
  const counted =
    (prefix: string): Middleware =>
    (next, { commandName = '' }) =>
    async (args) => {
      const api = `${prefix}:${commandName.replace(/Command$/, '')}`
      access.signal.throwIfAborted()
      if (api !== countedByCaller) await access.meter.take({ api, ...known[api]?.(args.input, role.account) })
      try {
        return await next(args)
      } catch (error) {
        access.signal.throwIfAborted()
        if (error instanceof Fault) throw error
        throw purpose === 'action' ? failureToAct(api, error as SdkError) : failureOf(api, error as SdkError)
      }
    }
  const reader: Reader = {
    access,
    account: role.account,
    partition: role.arn.split(':')[1] ?? 'aws',
    client<Client extends SdkClient>(prefix: string, kind: ClientKind<Client>, region = globalRegion): Client {
      const key = `${prefix}/${region}`
      const open = clients.get(key)
      if (open instanceof kind) return open
      const client = new kind({
        ...clientSettings(region, endpoint, credentials, aborted(handler, access.signal)),
        // The standard mode never holds a call back.
        ...(purpose === 'action' && { maxAttempts: 1, retryMode: 'standard' }),
      })
      client.middlewareStack.add(counted(prefix), { step: 'initialize', name: 'cloudoptimaCounted' })
      clients.set(key, client)
      return client
    },
    session: async () => ({
      credentials: await credentials(),
      region: globalRegion,
      ...(endpoint !== undefined && { endpoint }),
    }),
    report,
    attempt: async (part, work) => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        report({ state: error.state, part, message: error.message })
        return undefined
      }
    },
  }
  return reader
}

/** All clients share the connections of one handler, and stop with the collection. */
function aborted(handler: NodeHttpHandler, abortSignal: AbortSignal): Pick<NodeHttpHandler, 'handle' | 'metadata'> {
  return {
    metadata: handler.metadata,
    handle: async (request, options) => await handler.handle(request, { ...options, abortSignal }),
  }
}

function clientSettings(
  region: string,
  endpoint: string | undefined,
  credentials: () => Promise<Session['credentials']>,
  requestHandler: ReturnType<typeof aborted>,
) {
  return {
    region,
    credentials,
    requestHandler,
    // Three retries with full jitter, and slower calls after a throttled one:
    // https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    maxAttempts: 4,
    retryMode: 'adaptive',
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  }
}
