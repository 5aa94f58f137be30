import { Fault, type Blobs, type Clouds, type Lake, type Runtime, type Tokens } from '@cloudoptima/core'
import { createCounters } from './aws/counters.ts'
import type * as KeySet from './tokens/key-set.ts'
import type { QueueUrl } from './aws/queues.ts'
import * as Lazy from './lazy.ts'
import { once } from './once.ts'
import { createOutbox } from './aws/outbox.ts'
import { connectDynamodb, createTables } from './aws/tables.ts'

/** Where a deployment keeps its things. Without `endpoints` it is AWS itself. */
export interface RuntimeOptions extends Connection {
  endpoints?: Endpoints
  tableName: string
  bucketName: string
  /** Needed by functions that publish. */
  busName?: string
  /** Needed by functions that start a workflow. */
  stateMachineArn?: StateMachineArn
  /** Needed by functions that send to a queue: its URL by its name. */
  queueUrl?: QueueUrl
  /** Needed by functions that encrypt or decrypt. */
  kmsKeyId?: string
  /** Needed by functions that send mail: an address or a name and an address, which SES knows. */
  mailFrom?: string
  /** Needed by functions that sign tokens or verify them, with one of the two sources of keys. */
  tokenIssuer?: string
  tokenAudience?: string
  signingKeysSecretId?: string
  readSigningKeys?: () => Promise<KeySet.Info>
  /** Needed by functions that reach customers' clouds. */
  clouds?: () => Promise<Clouds>
  /** Identity providers on this machine may be asked, and without TLS. For one machine and for tests. */
  allowLoopback?: boolean
  /** Where the API is reached from outside, without `/v1`; needed by functions that write links. */
  publicUrl?: () => string | undefined
  /** Made over the runtime's own objects; `noLake` for functions that carry no DuckDB. */
  lake: (blobs: Blobs) => Lake
}

/** How an SDK client reaches its service. What is absent the SDK takes from its surroundings, as in a Lambda. */
export interface Connection {
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/** URLs that stand in for AWS. */
export type Endpoints = Partial<
  Record<'dynamodb' | 's3' | 'sqs' | 'eventbridge' | 'stepfunctions' | 'kms' | 'ses' | 'secretsmanager', string>
>

/** The ARN of a workflow's state machine. */
export type StateMachineArn = (workflow: string) => string

/** The runtime on AWS, or on servers that speak its protocols. A client is loaded when it is first used, so a function pays for what it does. */
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
      once(async () => (await import('./aws/bus.ts')).createBus(to('eventbridge'), given(busName, 'event bus'))),
    ),
    workflows: Lazy.lazyWorkflows(
      once(async () =>
        (await import('./aws/workflows.ts')).createWorkflows(
          to('stepfunctions'),
          given(stateMachineArn, 'state machines'),
        ),
      ),
    ),
    queues: Lazy.lazyQueues(
      once(async () => (await import('./aws/queues.ts')).createQueues(to('sqs'), given(options.queueUrl, 'queues'))),
    ),
    mail: Lazy.lazyMail(
      once(async () => (await import('./aws/mail.ts')).createMail(to('ses'), sender(options.mailFrom))),
    ),
    dataKeys: Lazy.lazyDataKeys(
      once(async () =>
        (await import('./aws/data-keys.ts')).createDataKeys(to('kms'), given(kmsKeyId, 'encryption key')),
      ),
    ),
    passwords: Lazy.lazyPasswords(once(async () => (await import('./tokens/passwords.ts')).passwords)),
    ...identity(options, to),
    clouds: Lazy.lazyClouds(once(options.clouds ?? noClouds)),
    publicUrl: () => given(options.publicUrl?.(), 'API'),
    lake: lake(blobs),
  }
}

/** Every use of it is Fault `unavailable`. */
export const noLake = (): Lake => ({
  normalize: () => Promise.reject(new Fault('unavailable', 'This function cannot read bills.')),
  query: () => Promise.reject(new Fault('unavailable', 'This function cannot query costs.')),
  export: () => Promise.reject(new Fault('unavailable', 'This function cannot export costs.')),
})

const noClouds = () => Promise.reject(new Fault('unavailable', 'This function cannot reach clouds.'))

type To = (service: keyof Endpoints) => Connection & { endpoint?: string }

function connectionTo({ region, credentials, endpoints = {} }: RuntimeOptions): To {
  return (service) => {
    const endpoint = endpoints[service]
    return { ...(region && { region }), ...(credentials && { credentials }), ...(endpoint && { endpoint }) }
  }
}

/** Tokens and sign-in, which ask issuers through one guarded fetch. */
function identity(options: RuntimeOptions, to: To): Pick<Runtime, 'tokens' | 'openId'> {
  const {
    tokenIssuer,
    tokenAudience: audience = 'cloudoptima-api',
    signingKeysSecretId,
    allowLoopback = false,
  } = options
  const names = (): Pick<Tokens, 'issuer' | 'audience'> => ({ issuer: given(tokenIssuer, 'token issuer'), audience })
  const fetch = once(async () => (await import('./tokens/guarded-fetch.ts')).createGuardedFetch({ allowLoopback }))
  const reader = once(async () =>
    (await import('./aws/signing-secret.ts')).secretReader(
      to('secretsmanager'),
      given(signingKeysSecretId, 'signing keys'),
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
  // Whoever deployed the stage reads it in the log of the function.
  if (mailFrom === undefined)
    throw new Error('This stage sends no mail. Set MAIL_FROM to an address or a domain of yours, and deploy it again.')
  return mailFrom
}

function given<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`This function was deployed without the name of its ${name}`)
  return value
}
