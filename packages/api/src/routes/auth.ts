import * as z from 'zod'
import { Identity } from '@cloudoptima/core'
import { ids, token } from '../examples.ts'
import { post, type Route } from '../route.ts'

const { Login, Invitations, Session, Sessions, register, Registered } = Identity
const Success = z.object({ success: z.boolean() })

const minutes = (most: number, length: number) => ({ most, windowSeconds: length * 60 })
const signedIn = {
  access_token: token,
  refresh_token: 'cor_WyJvcmciLCJzZXMiXQ.c2VjcmV0',
  token_type: 'Bearer',
  expires_in: 900,
}
const password = 'correct horse battery staple'
const registered = { ...signedIn, user_id: ids.user, organization_id: ids.organization }

/** Who somebody is: the operations before, at and after a sign-in. */
export const auth: readonly Route[] = [
  post('/v1/auth/register', register, {
    summary: 'Make an organization and its first user',
    description:
      'The first user is admin; others come by invitation. 409 when the e-mail address has an account, confirmed or not: whoever owns the mailbox resets its password. A mail asks to confirm the address: until then nobody can be invited.',
    answer: Registered,
    status: 201,
    isSecret: true,
    perAddress: minutes(20, 60),
    examples: {
      input: { email: 'ada@example.com', password, company_name: 'Example Ltd', role: 'devops' },
      answer: registered,
    },
    faults: ['conflict', 'unauthenticated'],
  }),
  post('/v1/auth/login', Login.login, {
    summary: 'Sign in with a password',
    description:
      'Known and unknown addresses are answered alike. 5 failures in 15 minutes lock the account for your address, each time twice as long, an hour at most. Where a second factor is on, `totp_code` is needed too: 401 names it.',
    answer: Session.Tokens,
    idempotency: 'none',
    perAddress: minutes(60, 15),
    examples: { input: { email: 'ada@example.com', password }, answer: signedIn },
    faults: ['unauthenticated'],
  }),
  post('/v1/auth/refresh', Session.refresh, {
    summary: 'Renew the tokens',
    description:
      'A refresh token is good once, and for 10 s more for the same answer. An old one that comes again ends its whole session. Where the organization leaves signing in to its provider, what a password opened ends here.',
    answer: Session.Tokens,
    idempotency: 'none',
    perAddress: minutes(600, 15),
    examples: { input: { refresh_token: signedIn.refresh_token }, answer: signedIn },
    faults: ['unauthenticated'],
  }),
  post('/v1/auth/logout', Sessions.logout, {
    summary: 'End the session',
    description: 'Its refresh tokens are refused at once, its access tokens within 5 s everywhere.',
    answer: Success,
    idempotency: 'none',
    examples: { answer: { success: true } },
    faults: ['conflict'],
  }),
  post('/v1/auth/email/verify', Login.verifyEmail, {
    summary: 'Confirm an e-mail address with a mailed token',
    answer: Success,
    isSecret: true,
    perAddress: minutes(60, 15),
    examples: { input: { token: 'com_WyJvcmciLCJ2ZXJpZnkiXQ.c2VjcmV0' }, answer: { success: true } },
    faults: ['not_found'],
  }),
  post('/v1/auth/email/resend', Login.resendVerification, {
    summary: 'Mail another token to confirm the own address',
    answer: Success,
    examples: { answer: { success: true } },
    faults: ['conflict', 'not_found'],
  }),
  post('/v1/auth/password/forgot', Login.forgotPassword, {
    summary: 'Mail a token to choose a new password with',
    description: 'The answer is the same whether or not somebody has the address.',
    answer: Success,
    perAddress: minutes(20, 15),
    examples: { input: { email: 'ada@example.com' }, answer: { success: true } },
  }),
  post('/v1/auth/password/reset', Login.resetPassword, {
    summary: 'Choose a new password with a mailed token',
    description: 'Ends all sessions.',
    answer: Success,
    isSecret: true,
    perAddress: minutes(60, 15),
    examples: {
      input: { token: 'com_WyJvcmciLCJyZXNldCJd.c2VjcmV0', new_password: password },
      answer: { success: true },
    },
    faults: ['not_found', 'conflict'],
  }),
  post('/v1/auth/password/change', Login.changePassword, {
    summary: 'Choose a new password with the present one',
    description: 'Ends all other sessions.',
    answer: Success,
    isSecret: true,
    examples: { input: { current_password: password, new_password: `${password} 2` }, answer: { success: true } },
    faults: ['conflict', 'not_found'],
  }),
  post('/v1/auth/invitations/accept', Invitations.accept, {
    summary: 'Join an organization with a mailed token',
    description:
      'The token proves the address. 409 when that has an account which somebody needs, or that your organization only has to reactivate; and when the organization leaves signing in to its provider: sign in at `/v1/auth/oidc/{organization_id}`, where the invitation stays good.',
    answer: Registered,
    status: 201,
    isSecret: true,
    perAddress: minutes(60, 15),
    examples: {
      input: { token: 'coi_WyJvcmciLCJpbnYiXQ.c2VjcmV0', password, full_name: 'Ada Lovelace' },
      answer: registered,
    },
    faults: ['conflict', 'unauthenticated'],
  }),
]
