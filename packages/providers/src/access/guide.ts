import type { Cloud } from '@cloudoptima/core'
import { readGrants } from '../aws/access/read-grants.ts'
import { azurePermissions } from '../azure/permissions.ts'
import { gcpPermissions } from '../gcp/permissions.ts'
import type { Permission } from './verdict.ts'

/** How a customer lets us read a cloud: what to do, and which permissions that comes to. */
export interface Guide {
  steps: readonly string[]
  permissions: readonly Permission[]
}

/** What to grant in each cloud, for people. */
export const guides: Record<Cloud, Guide> = {
  aws: {
    steps: [
      'Open the link to CloudFormation in the account that is to be read, in its management account for the costs of a whole organization.',
      'Name the bucket of the cost export (FOCUS, CUR 2.0 or the legacy report), if there is one. Leave the external id as it is.',
      'Confirm that the stack may create a role with a name, create it, and give the output RoleArn to CloudOptima.',
      'An export encrypted with a KMS key of your own also needs kms:Decrypt for the role in the policy of that key.',
    ],
    permissions: readGrants.map(({ permission, neededFor }) => ({ permission, neededFor })),
  },
  azure: {
    steps: [
      'Register an application in Microsoft Entra ID and create a client secret for it.',
      'Assign the application the roles Cost Management Reader and Reader on the subscription (Access control (IAM), Add role assignment).',
      'Where exports deliver costs, also assign it Storage Blob Data Reader on their container.',
      'Under an Enterprise Agreement, an administrator must let subscriptions see charges (AO view charges).',
      "Give CloudOptima the directory (tenant) id, the application (client) id, the secret's value and the subscription id.",
    ],
    permissions: azurePermissions,
  },
  gcp: {
    steps: [
      'Export billing to BigQuery (Billing, Billing export) in the project that you connect.',
      'Enable the APIs Cloud Resource Manager, BigQuery, Compute Engine and Cloud Monitoring in it.',
      'Create a service account and grant it on the project: Browser, BigQuery Job User, Compute Viewer and Monitoring Viewer.',
      'Grant it BigQuery Data Viewer on the dataset of the billing export; on the whole project is more than needed.',
      'Create a JSON key for the service account and give it to CloudOptima.',
    ],
    permissions: gcpPermissions,
  },
}
