import * as z from 'zod'
import { CloudAccount, CloudAccountList, CloudAccounts, Source, Sync, Syncs } from '@cloudoptima/core'
import { ids, listOf } from '../examples.ts'
import { del, get, post, put, type Route } from '../route.ts'

const externalId = '3f1c9a52-8f0e-4a3b-9d2e-6c1b7a5d4e3f'
const verification = { checked_at: '2026-11-24T08:00:00.000Z', problems: [], missing: [] }
const account = {
  id: ids.account,
  provider: 'aws',
  account_id: '123456789012',
  account_name: 'production',
  status: 'active',
  verification_status: 'verified',
  verification,
  can_act: false,
  last_sync: null,
  created_at: '2026-11-24T08:00:00.000Z',
}
const azure = { ...account, provider: 'azure', account_id: '6b1f7c1e-8d2a-4f0b-9c3d-2e4a5b6c7d8e' }
const gcp = { ...account, provider: 'gcp', account_id: 'example-project' }
const serviceAccount = {
  type: 'service_account',
  client_email: 'cloudoptima@example-project.iam.gserviceaccount.com',
  private_key: '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n',
}
const keyFile = Buffer.from(JSON.stringify(serviceAccount)).toString('base64')
const source = {
  id: `${ids.account}/bills`,
  kind: 'bills',
  status: 'waiting',
  every_minutes: 5,
  due_at: '2026-11-28T08:05:00.000Z',
  looked_at: '2026-11-28T08:00:00.000Z',
  last_success_at: '2026-11-28T08:00:00.000Z',
  failing_since: null,
  problems: [],
}
const calls = { 'ce:GetCostAndUsage': { calls: 2, bytes: 0, usd: '0.02' } }
const sync = {
  id: `${ids.account}/syn_01jf3m8x5cq2w7n4t6v9b0d1e9`,
  provider: 'aws',
  kind: 'bills',
  started_at: '2026-11-28T08:00:00.000Z',
  ended_at: '2026-11-28T08:00:04.000Z',
  status: 'succeeded',
  rows: 0,
  bytes: 1_048_576,
  calls,
  usd: '0.02',
  imports: ['imp_01jf3m8x5cq2w7n4t6v9b0d1ea'],
  problems: [],
}
const Sources = z.object({ sources: z.array(Source.Public) })
const connect = {
  description:
    'The account is verified at once. A failed verification is stored, lists each missing permission, and can be ' +
    'repeated. 409 if an organization has already connected the account.',
  answer: CloudAccount.Public,
  status: 201 as const,
}

export const cloudAccounts: readonly Route[] = [
  get('/v1/cloud-accounts', CloudAccountList.list, {
    needs: 'lake',
    summary: 'List the cloud accounts with their costs of the month',
    ...listOf(
      { accounts: z.array(CloudAccountList.Listed), total: z.int() },
      {
        accounts: [
          { ...account, monthly_spend: 1234.5, monthly_spend_exact: '1234.5', spend_month: '2026-11', currency: 'USD' },
        ],
        total: 1,
      },
      { provider: 'aws', status: 'active' },
    ),
  }),
  post('/v1/cloud-accounts/aws/setup', CloudAccounts.setupAws, {
    summary: 'Prepare to connect an AWS account',
    description:
      'Returns an external id for one account, and the CloudFormation templates of the roles. Create the role ' +
      'with the link or the template, then connect the account.',
    answer: CloudAccounts.AwsSetup,
    status: 201,
    response: {
      external_id: externalId,
      principal: 'arn:aws:iam::111122223333:root',
      quick_create_url:
        'https://console.aws.amazon.com/cloudformation/home#/stacks/quickcreate?stackName=CloudOptimaRead',
      template: '{"AWSTemplateFormatVersion":"2010-09-09"}',
      act_template: '{"AWSTemplateFormatVersion":"2010-09-09"}',
    },
  }),
  post('/v1/cloud-accounts/aws', CloudAccounts.connectAws, {
    summary: 'Connect an AWS account',
    ...connect,
    description:
      `${connect.description} 422 if the external id was not issued for this account, or if the role can be ` +
      'assumed without it.',
    request: {
      role_arn: 'arn:aws:iam::123456789012:role/CloudOptimaRead',
      external_id: externalId,
      account_name: 'production',
    },
    response: account,
  }),
  post('/v1/cloud-accounts/azure', CloudAccounts.connectAzure, {
    summary: 'Connect an Azure subscription',
    ...connect,
    isSecret: true,
    request: {
      subscription_id: azure.account_id,
      tenant_id: '0f8fad5b-d9cb-469f-a165-70867728950e',
      client_id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
      client_secret: 'example-secret',
      account_name: 'production',
    },
    response: azure,
  }),
  post('/v1/cloud-accounts/gcp', CloudAccounts.connectGcp, {
    summary: 'Connect a Google Cloud project',
    ...connect,
    isSecret: true,
    request: { project_id: gcp.account_id, service_account_json: keyFile, account_name: 'production' },
    response: gcp,
  }),
  post('/v1/cloud-accounts/{id}/verify', CloudAccounts.verify, {
    summary: 'Verify a cloud account again',
    answer: CloudAccount.Public,
    request: { id: ids.account },
    response: account,
  }),
  put('/v1/cloud-accounts/{id}/actions', CloudAccounts.allowActions, {
    summary: 'Allow actions in a cloud account',
    description:
      'Stores credentials of their own for changes: of AWS the role of the template for actions, of Azure an ' +
      'application, of Google Cloud a service account. Without them changes can only be planned.',
    answer: CloudAccount.Public,
    isSecret: true,
    request: { id: ids.account, role_arn: 'arn:aws:iam::123456789012:role/CloudOptimaAct' },
    response: { ...account, can_act: true },
    faults: ['conflict'],
  }),
  del('/v1/cloud-accounts/{id}/actions', CloudAccounts.forbidActions, {
    summary: 'Forbid actions in a cloud account',
    description: 'The stored credentials for actions are deleted.',
    answer: CloudAccount.Public,
    request: { id: ids.account },
    response: account,
    faults: ['conflict'],
  }),
  get('/v1/cloud-accounts/{id}/syncs', Syncs.list, {
    summary: 'List what is collected from a cloud account, how it went, and what the calls cost',
    description:
      'Collections that found nothing new are not listed; `looked_at` and the ledger of each day have them. The ' +
      'ledger covers the last 31 days.',
    ...listOf(
      { sources: z.array(Source.Public), syncs: z.array(Sync.Info), ledger: z.array(Syncs.LedgerDay) },
      { sources: [source], syncs: [sync], ledger: [{ day: '2026-11-28', calls, usd: '0.02' }] },
      { id: ids.account },
    ),
  }),
  post('/v1/cloud-accounts/{id}/sync', Syncs.sync, {
    summary: 'Collect a cloud account now',
    description: 'A collection that runs already is not begun again.',
    answer: Sources.extend({ requested: z.array(Source.Kind) }),
    status: 202,
    request: { id: ids.account, kinds: ['bills'] },
    response: { requested: ['bills'], sources: [source] },
  }),
  put('/v1/cloud-accounts/{id}/freshness', Syncs.setFreshness, {
    summary: 'Set how often a cloud account is collected',
    description: 'In minutes, by kind; a kind that is left out stays as it is.',
    answer: Sources,
    request: { id: ids.account, inventory: 240 },
    response: { sources: [source] },
  }),
  del('/v1/cloud-accounts/{id}', CloudAccounts.disconnect, {
    summary: 'Disconnect a cloud account',
    description: 'Collection stops, and the stored credentials are deleted.',
    answer: z.object({
      success: z.boolean(),
      purgedPartitions: z
        .int()
        .describe('Number of hidden partitions, such as bills of one month. Their files are deleted within a day.'),
    }),
    request: { id: ids.account, costs: 'keep' },
    response: { success: true, purged_partitions: 0 },
    faults: ['conflict'],
  }),
]
