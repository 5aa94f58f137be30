import * as z from 'zod'
import { Identity } from '@cloudoptima/core'
import { endedSessions, ids, listOf, success, user } from '../examples.ts'
import { del, get, post, put, type Route } from '../route.ts'

const { me, Me, updateMe, Sessions, Totp, User } = Identity

export const account: readonly Route[] = [
  get('/v1/me', me, {
    summary: 'Get the caller and its permissions',
    answer: Me,
    response: {
      kind: 'user',
      user,
      organization: { id: ids.organization, name: 'Example Ltd', is_demo: false },
      role: 'devops',
      permissions: ['read:accounts', 'read:costs'],
      second_factor_required: false,
    },
    faults: ['not_found'],
  }),
  put('/v1/me', updateMe, {
    summary: 'Change your name',
    answer: User.Public,
    request: { full_name: 'Ada Lovelace' },
    response: user,
    faults: ['not_found'],
  }),
  post('/v1/me/totp', Totp.begin, {
    summary: 'Start to enable a second factor',
    description: 'Show `uri` as a QR code, or enter `secret` in an authenticator app. Then confirm with a code.',
    answer: z.object({ secret: z.string(), uri: z.string() }),
    isSecret: true,
    request: { password: 'correct horse battery staple' },
    response: {
      secret: 'JBSWY3DPEHPK3PXP',
      uri: 'otpauth://totp/CloudOptima:ada%40example.com?issuer=CloudOptima&secret=JBSWY3DPEHPK3PXP',
    },
    faults: ['not_found'],
  }),
  post('/v1/me/totp/confirm', Totp.confirm, {
    summary: 'Enable the second factor with its first code',
    description: 'Store the recovery codes elsewhere than the device. Each of them works once.',
    answer: z.object({ recoveryCodes: z.array(z.string()) }),
    isSecret: true,
    request: { code: '123456' },
    response: { recovery_codes: ['k3v9x2m7q8w4z1ab'] },
    faults: ['not_found'],
  }),
  post('/v1/me/totp/disable', Totp.disable, {
    summary: 'Disable the second factor',
    isSecret: true,
    ...success({ password: 'correct horse battery staple', code: '123456' }),
    faults: ['not_found'],
  }),
  get('/v1/sessions', Sessions.list, {
    summary: 'List your open sessions, newest first',
    ...listOf(
      { sessions: z.array(Sessions.Public) },
      {
        sessions: [
          {
            id: ids.session,
            method: 'password',
            created_at: '2026-11-24T08:00:00.000Z',
            last_used_at: '2026-11-24T08:15:00.000Z',
            expires_at: '2026-12-24T08:15:00.000Z',
            ip_address: '192.0.2.7',
            user_agent: 'curl/8.5.0',
            is_current: true,
          },
        ],
      },
    ),
  }),
  del('/v1/sessions', Sessions.endOthers, {
    summary: 'End all your sessions except this one',
    ...endedSessions(),
  }),
  del('/v1/sessions/{id}', Sessions.end, {
    summary: 'End one of your sessions',
    ...success({ id: ids.session }),
  }),
]
