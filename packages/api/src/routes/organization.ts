import * as z from 'zod'
import { Audit, AuditLog, Identity, Organization } from '@cloudoptima/core'
import { ids, listOf, success } from '../examples.ts'
import { del, get, put, type Route } from '../route.ts'

const { OpenIdSignIn, TokenIssuer } = Identity

const settings = {
  name: 'Example Ltd',
  tier: 'pro',
  currency: 'USD',
  time_zone: 'Europe/Zurich',
  retention: { snapshot_days: 730 },
  approval_rules: { approvals: 1, allow_self_approval: false },
  anomalies: { sensitivity: 'medium', floor_amount: 20, floor_percent: 10, tag_keys: ['Team'] },
  recommendations: { floor_amount: 10 },
  tags: {
    required: [{ key: 'Environment', allowed_values: ['production', 'staging', 'development'] }],
    virtual: [
      { key: 'Team', value: 'checkout', when: [{ dimension: 'account', values: ['123456789012'] }], overwrite: false },
    ],
  },
  require_second_factor: false,
}
const { tier: _, ...changeable } = settings
const organizationExample = {
  ...settings,
  id: ids.organization,
  is_demo: false,
  created_at: '2026-11-23T08:00:00.000Z',
  updated_at: '2026-11-24T08:00:00.000Z',
  stopped: null,
  usage: {
    open_deliveries: { used: 1, limit: 50 },
    running_deliveries: { used: 0, limit: 5 },
    bytes_today: { used: 310_452, limit: 214_748_364_800 },
    stored_bytes: { used: 73_400_320, limit: 2_199_023_255_552 },
  },
}

const signIn = {
  issuer: 'https://accounts.google.com',
  client_id: '1234.apps.googleusercontent.com',
  new_users: { domains: ['example.com'], role: 'viewer' },
  passwords: true,
}
const shownSignIn = { ...signIn, has_client_secret: true }
const issuer = {
  issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abcdefghi',
  audience: '1example23456789',
}

const entry = {
  id: '000000000042',
  sequence: 42,
  at: '2026-11-24T08:00:00.000Z',
  action: 'users.change-role',
  result: 'success',
  actor_kind: 'user',
  actor_id: ids.user,
  resource_type: 'user',
  resource_id: ids.user,
  before: { role: 'viewer' },
  after: { role: 'devops' },
  ip_address: '192.0.2.7',
  user_agent: 'curl/8.5.0',
  request_id: ids.request,
  previous_hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  hash: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
}

export const organization: readonly Route[] = [
  get('/v1/organization', Organization.get, {
    summary: 'Get the organization',
    answer: Organization.Shown,
    response: organizationExample,
    faults: ['not_found'],
  }),
  put('/v1/organization', Organization.update, {
    summary: 'Change the organization',
    description: 'Omitted fields keep their value. The tier cannot be changed here.',
    answer: Organization.Shown,
    request: changeable,
    response: organizationExample,
    faults: ['not_found'],
  }),
  get('/v1/organization/sign-in', OpenIdSignIn.get, {
    summary: 'Get the OpenID Connect provider for sign-in',
    answer: OpenIdSignIn.Public,
    response: shownSignIn,
    faults: ['not_found'],
  }),
  put('/v1/organization/sign-in', OpenIdSignIn.put, {
    summary: 'Set the OpenID Connect provider',
    description:
      'Register `/v1/auth/oidc/{organization_id}/callback` of this API as redirect URI with the provider. ' +
      `Members start at \`/v1/auth/oidc/{organization_id}\`. The provider must assert that a member's address is ` +
      `verified (\`email_verified\`). ${Identity.Email.entraNeeds}`,
    answer: OpenIdSignIn.Public,
    request: { ...signIn, client_secret: 'GOCSPX-example' },
    response: shownSignIn,
    faults: ['not_found', 'conflict'],
  }),
  del('/v1/organization/sign-in', OpenIdSignIn.remove, {
    summary: 'Remove the OpenID Connect provider',
    ...success(),
    faults: ['not_found'],
  }),
  get('/v1/organization/token-issuer', TokenIssuer.get, {
    summary: 'Get the external token issuer',
    answer: TokenIssuer.Public,
    response: issuer,
    faults: ['not_found'],
  }),
  put('/v1/organization/token-issuer', TokenIssuer.put, {
    summary: 'Accept access tokens of an external issuer',
    description:
      'A token must name this organization in `org_id` (or `custom:org_id`) and a member by `email`, with ' +
      `\`email_verified\`. ${Identity.Email.entraNeeds} The member's permissions come from the role here, ` +
      'not from the token.',
    answer: TokenIssuer.Public,
    request: issuer,
    response: issuer,
    faults: ['not_found', 'conflict'],
  }),
  del('/v1/organization/token-issuer', TokenIssuer.remove, {
    summary: 'Remove the external token issuer',
    ...success(),
    faults: ['not_found'],
  }),
  get('/v1/audit', AuditLog.list, {
    summary: 'List the audit log, newest first',
    description: 'Contains every change and every denied attempt.',
    ...listOf({ entries: z.array(Audit.Info) }, { entries: [entry] }, { action: 'users.*', result: 'success' }),
  }),
  get('/v1/audit/verification', AuditLog.verification, {
    summary: 'Verify the audit log',
    description:
      'Recomputes the hash chain from the first entry to the last, and compares it with the hashes of last entries ' +
      'that are stored apart every 15 minutes.',
    answer: Audit.Verification,
    response: {
      intact: true,
      entries: 42,
      first_broken: null,
      head_hash: entry.hash,
      anchored: 40,
      problem: null,
    },
  }),
]
