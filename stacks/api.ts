import { assets, gatewayPaths, routes } from '@cloudoptima/api'
import { use, type StackContext } from 'sst/constructs'
import { deniedBursts } from './denied.ts'
import { wrapKeys } from './data-key.ts'
import { edge, longestAnswer } from './edge.ts'
import { Events } from './events.ts'
import { firewall } from './firewall.ts'
import { lambda } from './function.ts'
import { anyOrganization, customerRoles } from './grants.ts'
import { Identity } from './identity.ts'
import { stateMachines } from './names.ts'
import { settings } from './settings.ts'
import { isRehearsal } from './stage.ts'
import { Storage } from './storage.ts'

/** How one asks: a REST API behind a firewall, before two functions, of which only the one for costs carries DuckDB. */
export function Api({ app, stack }: StackContext) {
  const { bucket, state, tables } = use(Storage)
  const { publish, busEnvironment } = use(Events)
  const { key, signingKeysArn, readSigningKeys, mail } = use(Identity)
  const { rest, url, route } = edge(stack, app.stage)

  const { corsOrigins, endpoint } = settings()
  const environment = { ...state, SIGNING_KEYS_ARN: signingKeysArn, API_URL: url, CORS_ORIGINS: corsOrigins.join() }
  // Not all of AWS is asked by an SDK, which would find the emulator by itself. In no other stage may anything stand in for a customer's cloud.
  const standIn =
    isRehearsal(app.stage) && endpoint !== undefined ? { CLOUD_ENDPOINTS: JSON.stringify({ aws: endpoint }) } : {}
  const requests = lambda(stack, 'Requests', {
    handler: 'functions/api.handler',
    carries: ['argon2'],
    memorySize: 1024,
    timeout: longestAnswer,
    environment: {
      ...environment,
      ...busEnvironment,
      ...mail.environment,
      ...standIn,
      KMS_KEY_ARN: key.keyArn,
      STATE_MACHINES: stateMachines(stack, app.stage),
    },
    // The reference looks for them beside the bundle.
    copyFiles: assets.map((name) => ({
      from: `packages/api/node_modules/swagger-ui-dist/${name}`,
      to: `functions/${name}`,
    })),
    grants: [
      tables,
      // Uploads go by URLs that this function signs: they can do what it can.
      { actions: ['s3:PutObject'], resources: [bucket.arnForObjects('*/raw/*')], because: anyOrganization },
      // Whether the bytes of a delivery are in the lake already.
      {
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects('*/raw/*/manifest.json')],
        because: anyOrganization,
      },
      // The changes of a large import.
      { actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*/imports/*')], because: anyOrganization },
      // CloudFormation reads the template of a role from a URL that this function signs.
      {
        actions: ['s3:PutObject', 's3:GetObject'],
        resources: [bucket.arnForObjects('*/templates/*')],
        because: anyOrganization,
      },
      // What a key of a request was answered, where that is large.
      {
        actions: ['s3:PutObject', 's3:GetObject'],
        resources: [bucket.arnForObjects('*/answers/*')],
        because: anyOrganization,
      },
      { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
      { actions: ['states:StartExecution'], resources: [`${stateMachines(stack, app.stage)}bills`] },
      publish,
      readSigningKeys,
      wrapKeys(key, app.stage),
      customerRoles(stack),
    ],
  })
  const query = lambda(stack, 'Query', {
    handler: 'functions/query.handler',
    carries: ['duckdb'],
    memorySize: 3008,
    diskSize: '6 GB',
    timeout: longestAnswer,
    environment,
    grants: [
      // It counts the requests of an organization, and audits denied attempts.
      tables,
      { actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*/lake/*')], because: anyOrganization },
      readSigningKeys,
    ],
  })

  route(gatewayPaths(routes), { lake: query, other: requests })
  firewall(stack, app.stage, rest)
  deniedBursts(stack, app.stage, [requests, query])

  stack.addOutputs({ ApiUrl: url })
  return { url }
}
