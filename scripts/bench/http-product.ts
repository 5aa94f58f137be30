// The product with an empty lake and as many organizations (100,000 requests an hour each) as the argument says.
// Prints its URL and an access token of each organization.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Context, Identity } from '@cloudoptima/core'
import { startProduct } from '@cloudoptima/local'

const [organizations = '1'] = process.argv.slice(2)
const dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-bench-'))
const { ctx, api, close } = await startProduct({ dataDir, port: 0 })
const passwordHash = await ctx.runtime.passwords.hash('correct horse battery staple')
const tokens: string[] = []
for (let n = 0; n < Number(organizations); n++) {
  const of: Context = { ...ctx, orgId: `bench_${n}` }
  const user = await Identity.foundOrganization(
    of,
    { name: of.orgId, email: `${of.orgId}@example.com`, passwordHash, emailVerified: true },
    { tier: 'enterprise' },
  )
  tokens.push((await Identity.Session.open(of, user, 'command-line')).accessToken)
}
process.stdout.write(`${JSON.stringify({ url: api, tokens })}\n`)
process.once('SIGTERM', () => {
  void close()
    .then(async () => await rm(dataDir, { recursive: true }))
    .then(() => process.exit(0))
})
