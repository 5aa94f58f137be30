import * as z from 'zod'
import * as User from './user.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    invitations: Table<Info>
  }
}

/** Somebody who may join the organization. */
export const Public = z.object({
  id: z.string(),
  email: z.string(),
  role: User.RoleName,
  status: z.enum(['open', 'accepted', 'revoked', 'expired']),
  invitedBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
})

/** An invitation as it is kept. */
export interface Info extends Omit<z.infer<typeof Public>, 'status'> {
  status: 'open' | 'accepted' | 'revoked'
  /** Of the token that was mailed last. */
  hash?: string
  /** The user that was made of it. */
  userId?: string
  /** Who was invited has shown the mailed token, where it is their provider that lets them in: the address is theirs, and not by the word of the provider alone. */
  isProven?: true
}

/** The invitation as members see it. */
export function toPublic(invitation: Info, now: Date): z.infer<typeof Public> {
  const isExpired = invitation.status === 'open' && invitation.expiresAt <= now.toISOString()
  return Public.parse({ ...invitation, status: isExpired ? 'expired' : invitation.status })
}
