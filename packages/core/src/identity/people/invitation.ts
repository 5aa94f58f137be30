import * as z from 'zod'
import * as User from './user.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    invitations: Table<Info>
  }
}

export const Public = z.object({
  id: z.string(),
  email: z.string(),
  role: User.RoleName,
  status: z.enum(['open', 'accepted', 'revoked', 'expired']),
  invitedBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
})

export interface Info extends Omit<z.infer<typeof Public>, 'status'> {
  status: 'open' | 'accepted' | 'revoked'
  hash?: string
  userId?: string
  isProven?: true
}

export function toPublic(invitation: Info, now: Date): z.infer<typeof Public> {
  const isExpired = invitation.status === 'open' && invitation.expiresAt <= now.toISOString()
  return Public.parse({ ...invitation, status: isExpired ? 'expired' : invitation.status })
}
