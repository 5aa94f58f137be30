import * as z from 'zod'
import { Identity, Paging } from '@cloudoptima/core'
import { ids, pagination, user } from '../examples.ts'
import { del, get, post, put, type Route } from '../route.ts'

const { ApiKey, Invitation, Invitations, Members, User } = Identity
const Success = z.object({ success: z.boolean() })
const page = { page: 1, page_size: 20 }

const invitation = {
  id: ids.invitation,
  email: 'grace@example.com',
  role: 'cfo',
  status: 'open',
  invited_by: ids.user,
  created_at: '2026-11-24T08:00:00.000Z',
  expires_at: '2026-12-01T08:00:00.000Z',
}

const key = {
  id: ids.key,
  name: 'nightly report',
  permissions: ['read:costs'],
  created_by: ids.user,
  created_at: '2026-11-24T08:00:00.000Z',
  expires_at: '2027-02-22T08:00:00.000Z',
  last_used_at: null,
  status: 'active',
}

/** Who belongs to the organization, and which machines act for it. */
export const users: readonly Route[] = [
  get('/v1/users', Members.list, {
    summary: 'All users of the organization',
    answer: z.object({ users: z.array(User.Public), pagination: Paging.Pagination }),
    examples: { input: page, answer: { users: [user], pagination } },
  }),
  get('/v1/users/{id}', Members.get, {
    summary: 'A user',
    answer: User.Public,
    examples: { input: { id: ids.user }, answer: user },
    faults: ['not_found'],
  }),
  put('/v1/users/{id}/role', Members.changeRole, {
    summary: 'Give a user another role',
    description: 'It counts at once, whatever tokens they hold. 409 for the last admin.',
    answer: User.Public,
    examples: { input: { id: ids.user, role: 'devops' }, answer: user },
    faults: ['not_found', 'conflict'],
  }),
  post('/v1/users/{id}/deactivate', Members.deactivate, {
    summary: 'Lock a user out',
    description: 'Ends their sessions and stops their API keys. 409 for the last admin and for yourself.',
    answer: User.Public,
    examples: { input: { id: ids.user }, answer: { ...user, is_active: false } },
    faults: ['not_found', 'conflict'],
  }),
  post('/v1/users/{id}/reactivate', Members.reactivate, {
    summary: 'Let a user in again',
    description: 'With the role that they had. 409 when their e-mail address has another account by now.',
    answer: User.Public,
    examples: { input: { id: ids.user }, answer: user },
    faults: ['not_found', 'conflict'],
  }),
  del('/v1/users/{id}/sessions', Members.endSessions, {
    summary: 'End all sessions of a user',
    description: 'They may sign in again.',
    answer: z.object({ ended: z.number().int() }),
    examples: { input: { id: ids.user }, answer: { ended: 2 } },
    faults: ['not_found'],
  }),
  post('/v1/invitations', Invitations.create, {
    summary: 'Invite somebody by mail',
    description:
      'Good for 7 days. 409 until your own address is confirmed, and for who is a member already; a deactivated one is reactivated instead. It ends with whoever made it, or with the API key that did.',
    answer: Invitation.Public,
    status: 201,
    examples: { input: { email: 'grace@example.com', role: 'cfo' }, answer: invitation },
    faults: ['conflict'],
  }),
  get('/v1/invitations', Invitations.list, {
    summary: 'Invitations, newest first',
    answer: z.object({ invitations: z.array(Invitation.Public), pagination: Paging.Pagination }),
    examples: { input: page, answer: { invitations: [invitation], pagination } },
  }),
  del('/v1/invitations/{id}', Invitations.revoke, {
    summary: 'Take an invitation back',
    answer: Success,
    examples: { input: { id: ids.invitation }, answer: { success: true } },
    faults: ['not_found', 'conflict'],
  }),
  post('/v1/api-keys', ApiKey.create, {
    summary: 'Make an API key',
    description:
      'The key is told this once. Send it as `Authorization: Bearer co_...`. It can do no more than its maker, and ends with them.',
    answer: ApiKey.Public.extend({ key: z.string() }),
    status: 201,
    isSecret: true,
    faults: ['conflict'],
    examples: {
      input: { name: 'nightly report', permissions: ['read:costs'], expires_in_days: 90 },
      answer: { ...key, key: 'co_WyJvcmciLCJrZXkiXQ.c2VjcmV0' },
    },
  }),
  get('/v1/api-keys', ApiKey.list, {
    summary: 'API keys, newest first',
    answer: z.object({ apiKeys: z.array(ApiKey.Public), pagination: Paging.Pagination }),
    examples: { input: page, answer: { api_keys: [key], pagination } },
  }),
  del('/v1/api-keys/{id}', ApiKey.revoke, {
    summary: 'End an API key',
    answer: Success,
    examples: { input: { id: ids.key }, answer: { success: true } },
    faults: ['not_found'],
  }),
]
