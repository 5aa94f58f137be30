import { Identity } from '@cloudoptima/core'
import { ids, signedIn, success } from '../examples.ts'
import { post, type Route } from '../route.ts'

const { Login, Invitations, Session, Sessions, register, Registered } = Identity

const minutes = (most: number, length: number) => ({ most, windowSeconds: length * 60 })
const password = 'correct horse battery staple'
const registered = { ...signedIn, user_id: ids.user, organization_id: ids.organization }

export const auth: readonly Route[] = [
  post('/v1/auth/register', register, {
    summary: 'Create an organization and its first user',
    description:
      'The first user is admin; all others need an invitation. 409 if the e-mail address has an account, ' +
      'confirmed or not; the owner of the mailbox can reset its password. A mail asks for confirmation of the ' +
      'address. Invitations require a confirmed address.',
    answer: Registered,
    status: 201,
    isSecret: true,
    perAddress: minutes(20, 60),
    request: { email: 'ada@example.com', password, company_name: 'Example Ltd', role: 'devops' },
    response: registered,
    faults: ['unauthenticated'],
  }),
  post('/v1/auth/login', Login.login, {
    summary: 'Sign in with a password',
    description:
      'The answer does not reveal whether the e-mail address has an account. 5 failures in 15 minutes lock the ' +
      'account for your network address; each further lock doubles, up to an hour. With a second factor, ' +
      '`totp_code` is required: 401 lists it in `errors`.',
    answer: Session.Tokens,
    idempotency: 'none',
    perAddress: minutes(60, 15),
    request: { email: 'ada@example.com', password },
    response: signedIn,
    faults: ['unauthenticated'],
  }),
  post('/v1/auth/refresh', Session.refresh, {
    summary: 'Renew the tokens',
    description:
      'A refresh token works once; a repetition within 10 s gets the same answer. A later reuse ends the ' +
      "session. If the organization allows only its provider's sign-in, sessions that a password opened are " +
      'refused.',
    answer: Session.Tokens,
    idempotency: 'none',
    perAddress: minutes(600, 15),
    request: { refresh_token: signedIn.refresh_token },
    response: signedIn,
    faults: ['unauthenticated'],
  }),
  post('/v1/auth/logout', Sessions.logout, {
    summary: 'End the session',
    description: "The session's refresh tokens stop working at once, its access tokens within 5 s.",
    idempotency: 'none',
    ...success(),
    faults: ['conflict'],
  }),
  post('/v1/auth/email/verify', Login.verifyEmail, {
    summary: 'Confirm an e-mail address with a mailed token',
    isSecret: true,
    perAddress: minutes(60, 15),
    ...success({ token: 'com_WyJvcmciLCJ2ZXJpZnkiXQ.c2VjcmV0' }),
    faults: ['not_found'],
  }),
  post('/v1/auth/email/resend', Login.resendVerification, {
    summary: 'Mail a new token to confirm your address',
    ...success(),
    faults: ['not_found'],
  }),
  post('/v1/auth/password/forgot', Login.forgotPassword, {
    summary: 'Mail a token to reset a password',
    description: 'The answer does not reveal whether the address has an account.',
    perAddress: minutes(20, 15),
    ...success({ email: 'ada@example.com' }),
  }),
  post('/v1/auth/password/reset', Login.resetPassword, {
    summary: 'Reset a password with a mailed token',
    description: 'Ends all sessions.',
    isSecret: true,
    perAddress: minutes(60, 15),
    ...success({ token: 'com_WyJvcmciLCJyZXNldCJd.c2VjcmV0', new_password: password }),
    faults: ['not_found'],
  }),
  post('/v1/auth/password/change', Login.changePassword, {
    summary: 'Change your password',
    description: 'Ends all other sessions.',
    isSecret: true,
    ...success({ current_password: password, new_password: `${password} 2` }),
    faults: ['not_found'],
  }),
  post('/v1/auth/invitations/accept', Invitations.accept, {
    summary: 'Join an organization with a mailed token',
    description:
      'The token proves the address. 409 if the address has an account in use, or a deactivated account of this ' +
      "organization, which an admin can reactivate. 409 also if the organization allows only its provider's " +
      'sign-in; then sign in at `/v1/auth/oidc/{organization_id}`, which accepts the invitation.',
    answer: Registered,
    status: 201,
    isSecret: true,
    perAddress: minutes(60, 15),
    request: { token: 'coi_WyJvcmciLCJpbnYiXQ.c2VjcmV0', password, full_name: 'Ada Lovelace' },
    response: registered,
    faults: ['unauthenticated'],
  }),
]
