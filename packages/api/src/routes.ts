import { account } from './account.ts'
import { auth } from './auth.ts'
import { cloudAccounts } from './cloud-accounts.ts'
import { costs } from './costs.ts'
import { health } from './health.ts'
import { imports } from './imports.ts'
import { keys } from './keys.ts'
import { openId } from './open-id.ts'
import { organization } from './organization.ts'
import type { Route } from './route.ts'
import { users } from './users.ts'

/** Every operation there is. Which function serves which path is decided before the app: the contract is whole in each of them. */
export const routes: readonly Route[] = [
  ...auth,
  ...openId,
  ...account,
  ...organization,
  ...users,
  ...cloudAccounts,
  ...costs,
  ...imports,
  ...health,
  ...keys,
]
