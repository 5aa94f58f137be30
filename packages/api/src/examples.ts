import * as z from 'zod'
import { Paging } from '@cloudoptima/core'

export const ids = {
  organization: 'org_01jf3m8x5cq2w7n4t6v9b0d1e2',
  user: 'usr_01jf3m8x5cq2w7n4t6v9b0d1e3',
  session: 'ses_01jf3m8x5cq2w7n4t6v9b0d1e4',
  invitation: 'inv_01jf3m8x5cq2w7n4t6v9b0d1e5',
  key: 'key_01jf3m8x5cq2w7n4t6v9b0d1e6',
  account: 'acc_01jf3m8x5cq2w7n4t6v9b0d1e7',
  request: 'req_01jf3m8x5cq2w7n4t6v9b0d1e8',
}

export const signedIn = {
  access_token: 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3IifQ.c2lnbmF0dXJl',
  refresh_token: 'cor_WyJvcmciLCJzZXMiXQ.c2VjcmV0',
  token_type: 'Bearer',
  expires_in: 900,
}

/** The contract of an operation that answers a page of a list; `query` has examples of its other parameters. */
export const listOf = <Shape extends z.ZodRawShape>(shape: Shape, example: object, query: object = {}) => ({
  answer: z.object({ ...shape, pagination: Paging.Pagination }),
  request: { ...query, page: 1, page_size: 20 },
  response: { ...example, pagination: { page: 1, page_size: 20, total: 1, total_pages: 1 } },
})

export const user = {
  id: ids.user,
  email: 'ada@example.com',
  full_name: 'Ada Lovelace',
  role: 'devops',
  is_active: true,
  email_verified: true,
  has_second_factor: false,
  last_login: '2026-11-24T08:00:00.000Z',
  created_at: '2026-11-23T08:00:00.000Z',
}

export const success = (request?: Record<string, unknown>) => ({
  answer: z.object({ success: z.boolean() }),
  ...(request && { request }),
  response: { success: true },
})

export const endedSessions = (request?: Record<string, unknown>) => ({
  answer: z.object({ ended: z.int() }),
  ...(request && { request }),
  response: { ended: 2 },
})
