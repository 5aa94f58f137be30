// The simulated clouds in a process of their own, which ends with the process that forked it.
import { correct } from './life.ts'
import type { InventedClouds } from './invented.ts'
import { type CloudsOptions, startClouds } from './start.ts'

const [, , given = '{}'] = process.argv
const correctionMs = 5 * 60_000

process.on('disconnect', () => process.exit())
const { endpoints, credentials, roles, faults, bills } = await startClouds(JSON.parse(given) as CloudsOptions)
// Each customer writes the external id of the first reader into the role.
for (const role of Object.values(roles.aws)) role.externalId = ''
setInterval(() => correct(faults, new Date()), correctionMs)
const aws = Object.entries(roles.aws).map(([accountId, { roleArn }]) => ({
  cloud: 'aws' as const,
  accountId,
  roleArn,
  isPayer: roleArn === credentials.aws.roleArn,
}))
const ready: InventedClouds = { endpoints, accounts: aws, bills }
process.send?.(ready)
