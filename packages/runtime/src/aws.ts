import {
  type Access,
  type AwsSetup,
  type Blobs,
  type Clouds,
  Fault,
  type Lake,
  type PriceQuestion,
  type Provider,
  type Runtime,
  type UtilizationQuestion,
} from '@cloudoptima/core'
import { createCounters, createOutbox, connectDynamodb, createTables } from './aws/tables.ts'
import type { QueueUrl } from './aws/queues.ts'
import type { TimerTarget } from './aws/timers.ts'
import { lazy, once } from './lazy.ts'
import type * as KeySet from './tokens/key-set.ts'
import { createWorkspace } from './workspace.ts'

export interface RuntimeOptions extends Connection {
  endpoints?: Endpoints
  tableName: string
  bucketName: string
  busName?: string
  anchorsBucketName?: string
  stateMachineArn?: StateMachineArn
  queueUrl?: QueueUrl
  timers?: TimerTarget
  kmsKeyId?: string
  /** `a@example.com` or `Name <a@example.com>`, an identity of SES. */
  mailFrom?: string
  /** Keys come from the secret, or from `readSigningKeys`. */
  tokenIssuer?: string
  tokenAudience?: string
  signingKeysSecretId?: string
  readSigningKeys?: () => Promise<KeySet.Info>
  clouds?: (() => Promise<Clouds>) | undefined
  /** Nothing is fetched without. */
  exchangeRatesUrl?: string | undefined
  /** `database/table` of Timestream. */
  timestreamTable?: string | undefined
  /** Allows identity providers on this machine, without TLS; for one machine and tests only. */
  allowLoopback?: boolean
  publicUrl?: () => string | undefined
  /** An existing folder for private work files; by default the system's. */
  workDir?: string
  lake: (blobs: Blobs) => Lake
}

/** The SDK reads absent values from the environment, as in a Lambda. */
export interface Connection {
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/** URLs of services that replace AWS. */
export type Endpoints = Partial<
  Record<
    | 'dynamodb'
    | 's3'
    | 'sqs'
    | 'scheduler'
    | 'eventbridge'
    | 'stepfunctions'
    | 'kms'
    | 'ses'
    | 'secretsmanager'
    | 'timestream',
    string
  >
>

export type StateMachineArn = (workflow: string) => string

/** Each SDK client loads on first use, for short cold starts. */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { tableName, bucketName, busName, stateMachineArn, queueUrl, kmsKeyId, lake } = options
  const to = connectionTo(options)
  const dynamodb = connectDynamodb(to('dynamodb'))
  const blobs = lazy(async () => (await import('./aws/blobs.ts')).createBlobs(to('s3'), bucketName))
  const clouds = once(options.clouds ?? noClouds)
  return {
    tables: createTables(dynamodb, tableName),
    outbox: createOutbox(dynamodb, tableName),
    counters: createCounters(dynamodb, tableName),
    blobs,
    anchors: lazy(async () => {
      const { createAnchors } = await import('./aws/anchors.ts')
      return createAnchors(to('s3'), required(options.anchorsBucketName, 'bucket of audit anchors'))
    }),
    bus: lazy(async () => (await import('./aws/bus.ts')).createBus(to('eventbridge'), required(busName, 'event bus'))),
    workflows: lazy(async () => {
      const { createWorkflows } = await import('./aws/workflows.ts')
      return createWorkflows(to('stepfunctions'), required(stateMachineArn, 'state machines'))
    }),
    queues: lazy(async () => (await import('./aws/queues.ts')).createQueues(to('sqs'), required(queueUrl, 'queues'))),
    timers: lazy(async () => {
      const { createTimers } = await import('./aws/timers.ts')
      return createTimers(to('scheduler'), required(options.timers, 'schedules'))
    }),
    mail: lazy(async () => (await import('./aws/mail.ts')).createMail(to('ses'), sender(options.mailFrom))),
    dataKeys: lazy(async () =>
      (await import('./aws/data-keys.ts')).createDataKeys(to('kms'), required(kmsKeyId, 'encryption key')),
    ),
    passwords: lazy(async () => (await import('./tokens/passwords.ts')).passwords),
    ...identity(options, to),
    clouds: {
      aws: { ...lazyProvider(async () => (await clouds()).aws), ...lazySetup(async () => (await clouds()).aws) },
      azure: lazyProvider(async () => (await clouds()).azure),
      gcp: lazyProvider(async () => (await clouds()).gcp),
    },
    exchangeRates: exchangeRatesOf(options),
    timeSeries: lazy(async () => {
      const { createTimeSeries } = await import('./aws/time-series.ts')
      return createTimeSeries(to('timestream'), required(options.timestreamTable, 'Timestream table'))
    }),
    publicUrl: () => required(options.publicUrl?.(), 'public API URL'),
    workspace: createWorkspace(options.workDir),
    lake: lake(blobs),
  }
}

/** A cloud whose module is loaded at its first use. */
function lazyProvider(load: () => Promise<Provider>): Provider {
  const later = <Given extends unknown[], Item>(read: (known: Provider, ...given: Given) => AsyncIterable<Item>) =>
    async function* (...given: Given) {
      yield* read(await load(), ...given)
    }
  return {
    verify: async (credentials) => await (await load()).verify(credentials),
    bills: later((known, access: Access) => known.bills(access)),
    preliminary: later((known, access: Access) => known.preliminary(access)),
    inventory: later((known, access: Access) => known.inventory(access)),
    utilization: later((known, access: Access, asked: UtilizationQuestion) => known.utilization(access, asked)),
    prices: later((known, access: Access, asked: PriceQuestion) => known.prices(access, asked)),
    tags: async (access, resources) => await (await load()).tags(access, resources),
    retag: async (access, changes) => await (await load()).retag(access, changes),
    action: async (access, name) => await (await load()).action(access, name),
  }
}

function lazySetup(load: () => Promise<AwsSetup>): AwsSetup {
  const { templates, principal, quickCreateUrl } = lazy(load)
  return { templates, principal, quickCreateUrl }
}

const lacksDuckdb = (purpose: string) => () =>
  Promise.reject(new Fault('unavailable', `This function has no DuckDB and cannot ${purpose}.`))

export const noLake = (): Lake => ({
  normalize: lacksDuckdb('read bills'),
  writeRows: lacksDuckdb('write resources'),
  compareResources: lacksDuckdb('compare resources'),
  query: lacksDuckdb('query costs'),
  export: lacksDuckdb('export costs'),
})

const noClouds = () => Promise.reject(new Fault('unavailable', 'This function was deployed without cloud access.'))

type To = (service: keyof Endpoints) => Connection & { endpoint?: string }

function connectionTo({ region, credentials, endpoints = {} }: RuntimeOptions): To {
  return (service) => {
    const endpoint = endpoints[service]
    return { ...(region && { region }), ...(credentials && { credentials }), ...(endpoint && { endpoint }) }
  }
}

function identity(options: RuntimeOptions, to: To) {
  const { tokenIssuer, tokenAudience: audience = 'cloudoptima-api', allowLoopback = false } = options
  const issuer = () => required(tokenIssuer, 'token issuer')
  // Token issuers and sign-in providers are called through one guarded fetch.
  const fetch = once(async () => (await import('./tokens/guarded-fetch.ts')).createGuardedFetch({ allowLoopback }))
  const secret = once(async () => {
    const { secretReader } = await import('./aws/signing-secret.ts')
    return secretReader(to('secretsmanager'), required(options.signingKeysSecretId, 'signing keys'))
  })
  const readKeys = options.readSigningKeys ?? (async () => await (await secret())())
  const { sign, verify, keys } = lazy(async () =>
    (await import('./tokens/tokens.ts')).createTokens({ issuer: issuer(), audience, readKeys }),
  )
  const { verifyIssued, checkIssuer } = lazy(async () =>
    (await import('./tokens/issuer-tokens.ts')).createIssuerTokens(await fetch()),
  )
  return {
    tokens: {
      get issuer() {
        return issuer()
      },
      audience,
      sign,
      verify,
      keys,
      verifyIssued,
      checkIssuer,
    },
    openId: lazy(async () => (await import('./tokens/open-id.ts')).createOpenId(await fetch(), { allowLoopback })),
  }
}

function exchangeRatesOf({ exchangeRatesUrl: url, allowLoopback = false }: RuntimeOptions): Runtime['exchangeRates'] {
  if (url === undefined) return undefined
  return lazy(async () => (await import('./exchange-rates.ts')).createExchangeRates(url, { allowLoopback }))
}

function sender(mailFrom: string | undefined) {
  if (mailFrom === undefined)
    throw new Error('This stage sends no mail. Set MAIL_FROM to your address or domain, and deploy the stage again.')
  return mailFrom
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined)
    throw new Error(`The runtime options lack: ${name}. Deploy the function with its environment variable.`)
  return value
}
