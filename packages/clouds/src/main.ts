// The simulated clouds in a process of their own, which ends with the process that forked it.
import { existsSync } from 'node:fs'
import { correct } from './life.ts'
import type { InventedAccount, InventedClouds } from './invented.ts'
import { type CloudsOptions, startClouds } from './start.ts'
import { trustFile } from './trust.ts'

const [, , given = '{}'] = process.argv
const options = JSON.parse(given) as CloudsOptions
const correctionMs = 10 * 60_000

// Ctrl-C signals it too, and the product, which ends it, still asks it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
const { endpoints, credentials, roles, actingRoles, faults, billingAccounts, bills } = await startClouds(options)
// Each customer writes the external ids of the product into the role.
for (const role of Object.values(roles.aws))
  role.trusts = (externalId) => existsSync(trustFile(options.dir, role.roleArn, externalId))
let corrections = 0
setInterval(() => {
  const account = billingAccounts[corrections++ % billingAccounts.length]
  if (account !== undefined) correct(faults, account, new Date())
}, correctionMs)
/** The role for actions of an account. */
function acting<Role>(those: Record<string, Role>, accountId: string): Role {
  const role = those[accountId]
  if (!role) throw new Error(`${accountId} has no role for actions.`)
  return role
}
const accounts: InventedAccount[] = [
  ...Object.entries(roles.aws).map(([accountId, { roleArn }]) => ({
    cloud: 'aws' as const,
    accountId,
    roleArn,
    toAct: acting(actingRoles.aws, accountId),
    hasExport: roleArn === credentials.aws.roleArn,
  })),
  ...credentials.azure.map((subscription) => ({
    cloud: 'azure' as const,
    accountId: subscription.subscriptionId,
    ...subscription,
    toAct: acting(actingRoles.azure, subscription.subscriptionId),
    hasExport: true,
  })),
  ...Object.entries(roles.gcp).map(([accountId, project]) => ({
    cloud: 'gcp' as const,
    accountId,
    ...project,
    toAct: acting(actingRoles.gcp, accountId),
    hasExport: credentials.gcp.some(({ projectId }) => projectId === accountId),
  })),
]
const ready: InventedClouds = {
  endpoints,
  accounts: accounts.toSorted((a, b) => Number(b.hasExport) - Number(a.hasExport)),
  bills,
}
process.send?.(ready)
