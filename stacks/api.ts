import { assets, gatewayPaths, routes } from '@cloudoptima/api'
import { use, type StackContext } from 'sst/constructs'
import { unwrapKeys, wrapKeys } from './data-key.ts'
import { deniedBursts } from './edge/denied.ts'
import { edge, longestAnswer } from './edge/edge.ts'
import { firewall } from './edge/firewall.ts'
import { route } from './edge/routes.ts'
import { Events } from './events.ts'
import { lambda } from './function.ts'
import { customerRoles, executions, sends, standIn, starts } from './grants.ts'
import { Identity } from './identity.ts'
import { anchors, listObjects, objects } from './objects.ts'
import { settings } from './settings.ts'
import { collectQueues } from './stage.ts'
import { Storage } from './storage.ts'

/** Only one of the two functions carries DuckDB. */
export function Api({ app, stack }: StackContext) {
  const { state, tables } = use(Storage)
  const { publish, busEnvironment } = use(Events)
  const { key, signingKeysArn, readSigningKeys, mail } = use(Identity)
  const { rest, url } = edge(stack, app.stage)

  const { corsOrigins } = settings()
  const environment = { ...state, SIGNING_KEYS_ARN: signingKeysArn, API_URL: url, CORS_ORIGINS: corsOrigins.join() }
  const anchored = anchors()
  const bills = starts(stack, app.stage, 'bills')
  const collections = sends(stack, app.stage, ...collectQueues)
  const inventories = sends(stack, app.stage, 'processing')
  const requests = lambda(stack, 'Requests', {
    handler: 'functions/api.handler',
    carries: ['argon2'],
    memorySize: 1024,
    reserved: 200,
    timeout: longestAnswer,
    environment: {
      ...environment,
      ...busEnvironment,
      ...mail.environment,
      ...standIn(app.stage),
      ...bills.environment,
      ...collections.environment,
      ...anchored.environment,
      KMS_KEY_ARN: key.keyArn,
    },
    // The files of the API reference.
    copyFiles: assets.map((name) => ({
      from: `packages/api/node_modules/swagger-ui-dist/${name}`,
      to: `functions/${name}`,
    })),
    grants: [
      ...tables,
      // A signed URL has the permissions of its signer: customers upload by URLs of this function.
      objects(['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], '*/uploads/*'),
      // The start of an import copies its parts.
      objects(['s3:PutObject'], '*/raw/*'),
      // To recognize a delivery, and to read the changes of an import.
      objects(['s3:GetObject'], '*/raw/*/manifest.json', '*/imports/*'),
      // CloudFormation reads templates by signed URLs.
      objects(['s3:PutObject', 's3:GetObject'], '*/templates/*'),
      // Large answers that are kept for an idempotency key.
      objects(['s3:PutObject', 's3:GetObject'], '*/answers/*'),
      listObjects(),
      ...bills.grants,
      // A request may ask for a collection now.
      ...collections.grants,
      // A verification of the audit log anchors its end.
      ...anchored.grants,
      executions(stack, app.stage, 'bills', 'Stop'),
      // The stop switch.
      executions(stack, app.stage, 'remediation', 'Stop'),
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
    reserved: 50,
    diskSize: '6 GB',
    timeout: longestAnswer,
    environment: {
      ...environment,
      ...busEnvironment,
      ...standIn(app.stage),
      ...inventories.environment,
      KMS_KEY_ARN: key.keyArn,
    },
    grants: [
      // They count requests, audit, and record changes of tags.
      ...tables,
      objects(['s3:GetObject'], '*/lake/*'),
      // Large answers that are kept for an idempotency key.
      objects(['s3:PutObject', 's3:GetObject'], '*/answers/*'),
      readSigningKeys,
      // To change the tags of resources that the lake knows, and to collect them again.
      publish,
      unwrapKeys(key, app.stage),
      customerRoles(stack),
      ...inventories.grants,
    ],
  })

  route(rest, gatewayPaths(routes), { lake: query, other: requests })
  firewall(stack, app.stage, rest)
  deniedBursts(stack, app.stage, [requests, query])

  stack.addOutputs({ ApiUrl: url })
  return { url }
}
