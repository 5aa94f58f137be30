import * as z from 'zod'
import { Identity } from '@cloudoptima/core'
import { endedSessions, ids, listOf, success, user } from '../examples.ts'
import { del, get, post, put, type Route } from '../route.ts'

const { ApiKey, Invitation, Invitations, Members, User } = Identity

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

export const users: readonly Route[] = [
  get('/v1/users', Members.list, {
    summary: 'List the users of the organization',
    ...listOf({ users: z.array(User.Public) }, { users: [user] }),
  }),
  get('/v1/users/{id}', Members.get, {
    summary: 'Get a user',
    answer: User.Public,
    request: { id: ids.user },
    response: user,
  }),
  put('/v1/users/{id}/role', Members.changeRole, {
    summary: "Change a user's role",
    description: 'Takes effect at once, also for tokens that the user already has. 409 for the last admin.',
    answer: User.Public,
    request: { id: ids.user, role: 'devops' },
    response: user,
    faults: ['conflict'],
  }),
  post('/v1/users/{id}/deactivate', Members.deactivate, {
    summary: 'Deactivate a user',
    description: "Ends the user's sessions and API keys. 409 for the last admin and for yourself.",
    answer: User.Public,
    request: { id: ids.user },
    response: { ...user, is_active: false },
  }),
  post('/v1/users/{id}/reactivate', Members.reactivate, {
    summary: 'Reactivate a user',
    description: 'The user gets the former role. 409 if the e-mail address now belongs to another account.',
    answer: User.Public,
    request: { id: ids.user },
    response: user,
  }),
  del('/v1/users/{id}/sessions', Members.endSessions, {
    summary: 'End all sessions of a user',
    description: 'The user can sign in again.',
    ...endedSessions({ id: ids.user }),
  }),
  post('/v1/invitations', Invitations.create, {
    summary: 'Invite a person by mail',
    description:
      'Valid for 7 days. 409 if your own address is not confirmed, or if the address belongs to a member. ' +
      'Reactivate a deactivated member instead. The invitation ends when the user or API key that created it ' +
      'ends.',
    answer: Invitation.Public,
    status: 201,
    request: { email: 'grace@example.com', role: 'cfo' },
    response: invitation,
  }),
  get('/v1/invitations', Invitations.list, {
    summary: 'List the invitations, newest first',
    ...listOf({ invitations: z.array(Invitation.Public) }, { invitations: [invitation] }),
  }),
  del('/v1/invitations/{id}', Invitations.revoke, {
    summary: 'Revoke an invitation',
    ...success({ id: ids.invitation }),
    faults: ['conflict'],
  }),
  post('/v1/api-keys', ApiKey.create, {
    summary: 'Create an API key',
    description:
      'Only this answer shows the key. Send it as `Authorization: Bearer co_...`. Its permissions never exceed ' +
      "its creator's, and it ends when its creator is deactivated.",
    answer: ApiKey.Public.extend({ key: z.string() }),
    status: 201,
    isSecret: true,
    request: { name: 'nightly report', permissions: ['read:costs'], expires_in_days: 90 },
    response: { ...key, key: 'co_WyJvcmciLCJrZXkiXQ.c2VjcmV0' },
  }),
  get('/v1/api-keys', ApiKey.list, {
    summary: 'List the API keys, newest first',
    ...listOf({ apiKeys: z.array(ApiKey.Public) }, { api_keys: [key] }),
  }),
  del('/v1/api-keys/{id}', ApiKey.revoke, {
    summary: 'Revoke an API key',
    ...success({ id: ids.key }),
  }),
]
