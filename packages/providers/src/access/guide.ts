import type { Cloud } from '@cloudoptima/core'
import { readPurposes } from '../aws/access/read-grants.ts'
import { azurePermissions } from '../azure/permissions.ts'
import { gcpPermissions } from '../gcp/permissions.ts'
import { type Permission, rowsOf } from './verdict.ts'

export interface Guide {
  steps: readonly string[]
  permissions: readonly Permission[]
}

/** How a customer grants read access to each cloud, and the resulting permissions. */
export const guides: Record<Cloud, Guide> = {
  aws: {
    steps: [
      'Open the link to CloudFormation in the account to connect. For the costs of a whole organization, use its management account.',
      'Name the bucket of the cost export (FOCUS, CUR 2.0 or the legacy report), if there is one. Leave the external id as it is.',
      'Confirm that the stack may create a named role, create the stack, and give its output RoleArn to CloudOptima.',
      'If the export is encrypted with your own KMS key, allow kms:Decrypt for the role in the policy of that key.',
    ],
    permissions: rowsOf(readPurposes),
  },
  azure: {
    steps: [
      'Register an application in Microsoft Entra ID and create a client secret for it.',
      'Assign the application the roles Cost Management Reader and Reader on the subscription (Access control (IAM), Add role assignment).',
      'If exports deliver costs, also assign it Storage Blob Data Reader on their container.',
      'Under an Enterprise Agreement, an administrator must allow subscriptions to view charges (AO view charges).',
      "Give CloudOptima the directory (tenant) id, the application (client) id, the secret's value and the subscription id.",
    ],
    permissions: rowsOf(azurePermissions),
  },
  gcp: {
    steps: [
      'Export billing to BigQuery (Billing, Billing export) in the project that you connect.',
      'Enable the APIs Cloud Resource Manager, BigQuery, Compute Engine and Cloud Monitoring in it.',
      'Create a service account and grant it on the project: Browser, BigQuery Job User, Compute Viewer and Monitoring Viewer.',
      'Grant it BigQuery Data Viewer on the dataset of the billing export, not on the whole project.',
      'Create a JSON key for the service account and give it to CloudOptima.',
    ],
    permissions: rowsOf(gcpPermissions),
  },
}
