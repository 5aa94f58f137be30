import { account } from './routes/account.ts'
import { anomalies } from './routes/anomalies.ts'
import { auth } from './routes/auth.ts'
import { cloudAccounts } from './routes/cloud-accounts.ts'
import { costs } from './routes/costs.ts'
import { currencies } from './routes/currencies.ts'
import { executionRoutes } from './routes/executions.ts'
import { health } from './routes/health.ts'
import { imports } from './routes/imports.ts'
import { keys } from './routes/keys.ts'
import { openId } from './routes/open-id.ts'
import { organization } from './routes/organization.ts'
import { policies } from './routes/policies.ts'
import { recommendationRoutes } from './routes/recommendations.ts'
import { resourceRoutes } from './routes/resources.ts'
import type { Route } from './route.ts'
import { users } from './routes/users.ts'

/** Each function serves all, and API Gateway chooses the function. */
export const routes: readonly Route[] = [
  ...auth,
  ...openId,
  ...account,
  ...organization,
  ...users,
  ...cloudAccounts,
  ...costs,
  ...anomalies,
  ...currencies,
  ...resourceRoutes,
  ...recommendationRoutes,
  ...executionRoutes,
  ...policies,
  ...imports,
  ...health,
  ...keys,
]
