import * as z from 'zod'
import { Audit, AuditLog, Identity, Organization, Paging } from '@cloudoptima/core'
import { ids, pagination } from '../examples.ts'
import { del, get, put, type Route } from '../route.ts'

const { OpenIdSignIn, TokenIssuer } = Identity
const Success = z.object({ success: z.boolean() })

const settings = {
  name: 'Example Ltd',
  tier: 'pro',
  currency: 'USD',
  time_zone: 'Europe/Zurich',
  retention: { snapshot_days: 730 },
  approval_rules: { approvals: 1, allow_self_approval: false },
  require_second_factor: false,
}
const organizationExample = {
  ...settings,
  id: ids.organization,
  is_demo: false,
  created_at: '2026-11-23T08:00:00.000Z',
  updated_at: '2026-11-24T08:00:00.000Z',
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

/** The organization, how one signs in to it, and what happened in it. */
export const organization: readonly Route[] = [
  get('/v1/organization', Organization.get, {
    summary: 'The organization',
    answer: Organization.Public,
    examples: { answer: organizationExample },
    faults: ['not_found'],
  }),
  put('/v1/organization', Organization.update, {
    summary: 'Change the organization',
    description: 'What is left out stays as it is.',
    answer: Organization.Public,
    examples: { input: settings, answer: organizationExample },
    faults: ['not_found'],
  }),
  get('/v1/organization/sign-in', OpenIdSignIn.get, {
    summary: 'The OpenID Connect provider that members sign in with',
    answer: OpenIdSignIn.Public,
    examples: { answer: shownSignIn },
    faults: ['not_found'],
  }),
  put('/v1/organization/sign-in', OpenIdSignIn.put, {
    summary: 'Set the OpenID Connect provider',
    description: `Register \`/v1/auth/oidc/{organization_id}/callback\` of this API as redirect address there. Members begin at \`/v1/auth/oidc/{organization_id}\`. The provider must say that the address of a member is verified (\`email_verified\`). ${Identity.EmailClaims.entraNeeds}`,
    answer: OpenIdSignIn.Public,
    examples: { input: { ...signIn, client_secret: 'GOCSPX-example' }, answer: shownSignIn },
    faults: ['not_found', 'conflict'],
  }),
  del('/v1/organization/sign-in', OpenIdSignIn.remove, {
    summary: 'Take the OpenID Connect provider away',
    answer: Success,
    examples: { answer: { success: true } },
    faults: ['not_found'],
  }),
  get('/v1/organization/token-issuer', TokenIssuer.get, {
    summary: 'The issuer whose tokens are taken like ours',
    answer: TokenIssuer.Public,
    examples: { answer: issuer },
    faults: ['not_found'],
  }),
  put('/v1/organization/token-issuer', TokenIssuer.put, {
    summary: "Take another issuer's tokens like ours",
    description: `Its tokens must name this organization in \`org_id\` (or \`custom:org_id\`) and a member by \`email\`, with \`email_verified\`. ${Identity.EmailClaims.entraNeeds} What the member may do is said here, not in the token.`,
    answer: TokenIssuer.Public,
    examples: { input: issuer, answer: issuer },
    faults: ['not_found', 'conflict'],
  }),
  del('/v1/organization/token-issuer', TokenIssuer.remove, {
    summary: 'Take no tokens but our own',
    answer: Success,
    examples: { answer: { success: true } },
    faults: ['not_found'],
  }),
  get('/v1/audit', AuditLog.list, {
    summary: 'What happened, newest first',
    description: 'Every change and every attempt that was denied.',
    answer: z.object({ entries: z.array(Audit.Info), pagination: Paging.Pagination }),
    examples: {
      input: { action: 'users.*', result: 'success', page: 1, page_size: 20 },
      answer: { entries: [entry], pagination },
    },
  }),
  get('/v1/audit/verification', AuditLog.verification, {
    summary: 'Whether the audit log is whole',
    description: 'Goes through the chain of hashes from the first entry to the last.',
    answer: Audit.Verification,
    examples: { answer: { intact: true, entries: 42, first_broken: null, head_hash: entry.hash } },
  }),
]
