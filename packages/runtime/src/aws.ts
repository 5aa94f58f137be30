import { Fault, type Blobs, type Clouds, type Lake, type Runtime, type Tokens } from '@cloudoptima/core'
import { createCounters } from './aws/counters.ts'
import type * as KeySet from './tokens/key-set.ts'
import type { QueueUrl } from './aws/queues.ts'
import * as Lazy from './lazy.ts'
import { once } from './once.ts'
import { createOutbox } from './aws/outbox.ts'
import { connectDynamodb, createTables } from './aws/tables.ts'

/** Resources of a deployment; a function needs only those that it uses. */
export interface RuntimeOptions extends Connection {
  endpoints?: Endpoints
  tableName: string
  bucketName: string
  busName?: string
  stateMachineArn?: StateMachineArn
  queueUrl?: QueueUrl
  kmsKeyId?: string
  /** `a@example.com` or `Name <a@example.com>`, an identity of SES. */
  mailFrom?: string
  /** Keys come from the secret, or from `readSigningKeys`. */
  tokenIssuer?: string
  tokenAudience?: string
  signingKeysSecretId?: string
  readSigningKeys?: () => Promise<KeySet.Info>
  clouds?: () => Promise<Clouds>
  /** Allows identity providers on this machine, without TLS; for one machine and tests only. */
  allowLoopback?: boolean
  /** Public URL of the API without `/v1`. */
  publicUrl?: () => string | undefined
  /** `noLake` for functions without DuckDB. */
  lake: (blobs: Blobs) => Lake
}

/** The SDK reads absent values from the environment, as in a Lambda. */
export interface Connection {
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/** URLs of services that replace AWS. */
export type Endpoints = Partial<
  Record<'dynamodb' | 's3' | 'sqs' | 'eventbridge' | 'stepfunctions' | 'kms' | 'ses' | 'secretsmanager', string>
>

export type StateMachineArn = (workflow: string) => string

/** Creates the runtime over AWS or compatible servers; each SDK client loads on first use, for short cold starts. */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { tableName, bucketName, busName, stateMachineArn, kmsKeyId, lake } = options
  const to = connectionTo(options)
  const dynamodb = connectDynamodb(to('dynamodb'))
  const blobs = Lazy.lazyBlobs(once(async () => (await import('./aws/blobs.ts')).createBlobs(to('s3'), bucketName)))
  return {
    tables: createTables(dynamodb, tableName),
    outbox: createOutbox(dynamodb, tableName),
    counters: createCounters(dynamodb, tableName),
    blobs,
    bus: Lazy.lazyBus(
      once(async () => (await import('./aws/bus.ts')).createBus(to('eventbridge'), required(busName, 'event bus'))),
    ),
    workflows: Lazy.lazyWorkflows(
      once(async () =>
        (await import('./aws/workflows.ts')).createWorkflows(
          to('stepfunctions'),
          required(stateMachineArn, 'state machines'),
        ),
      ),
    ),
    queues: Lazy.lazyQueues(
      once(async () => (await import('./aws/queues.ts')).createQueues(to('sqs'), required(options.queueUrl, 'queues'))),
    ),
    mail: Lazy.lazyMail(
      once(async () => (await import('./aws/mail.ts')).createMail(to('ses'), sender(options.mailFrom))),
    ),
    dataKeys: Lazy.lazyDataKeys(
      once(async () =>
        (await import('./aws/data-keys.ts')).createDataKeys(to('kms'), required(kmsKeyId, 'encryption key')),
      ),
    ),
    passwords: Lazy.lazyPasswords(once(async () => (await import('./tokens/passwords.ts')).passwords)),
    ...identity(options, to),
    clouds: Lazy.lazyClouds(once(options.clouds ?? noClouds)),
    publicUrl: () => required(options.publicUrl?.(), 'public API URL'),
    lake: lake(blobs),
  }
}

/** The lake of functions without DuckDB: every method throws Fault `unavailable`. */
export const noLake = (): Lake => ({
  normalize: () => Promise.reject(new Fault('unavailable', 'This function has no DuckDB and cannot read bills.')),
  query: () => Promise.reject(new Fault('unavailable', 'This function has no DuckDB and cannot query costs.')),
  export: () => Promise.reject(new Fault('unavailable', 'This function has no DuckDB and cannot export costs.')),
})

const noClouds = () => Promise.reject(new Fault('unavailable', 'This function was deployed without cloud access.'))

type To = (service: keyof Endpoints) => Connection & { endpoint?: string }

function connectionTo({ region, credentials, endpoints = {} }: RuntimeOptions): To {
  return (service) => {
    const endpoint = endpoints[service]
    return { ...(region && { region }), ...(credentials && { credentials }), ...(endpoint && { endpoint }) }
  }
}

/** Both call issuers through one guarded fetch. */
function identity(options: RuntimeOptions, to: To): Pick<Runtime, 'tokens' | 'openId'> {
  const {
    tokenIssuer,
    tokenAudience: audience = 'cloudoptima-api',
    signingKeysSecretId,
    allowLoopback = false,
  } = options
  const names = (): Pick<Tokens, 'issuer' | 'audience'> => ({ issuer: required(tokenIssuer, 'token issuer'), audience })
  const fetch = once(async () => (await import('./tokens/guarded-fetch.ts')).createGuardedFetch({ allowLoopback }))
  const reader = once(async () =>
    (await import('./aws/signing-secret.ts')).secretReader(
      to('secretsmanager'),
      required(signingKeysSecretId, 'signing keys'),
    ),
  )
  const readKeys = options.readSigningKeys ?? (async () => await (await reader())())
  return {
    tokens: Lazy.lazyTokens(
      names,
      once(async () => (await import('./tokens/tokens.ts')).createTokens({ ...names(), readKeys })),
      once(async () => (await import('./tokens/issuer-tokens.ts')).createIssuerTokens(await fetch())),
    ),
    openId: Lazy.lazyOpenId(
      once(async () => (await import('./tokens/open-id.ts')).createOpenId(await fetch(), { allowLoopback })),
    ),
  }
}

function sender(mailFrom: string | undefined): string {
  if (mailFrom === undefined)
    throw new Error('This stage sends no mail. Set MAIL_FROM to your address or domain, and deploy the stage again.')
  return mailFrom
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined)
    throw new Error(`The runtime options lack: ${name}. Deploy the function with its environment variable.`)
  return value
}
