import * as z from 'zod'
import { change, InvalidInput } from '../guard/command.ts'
import type { CloudCredentials } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as CloudAccount from './cloud-account.ts'
import { keyOf } from './connect.ts'

const ById = z.strictObject({
  id: z.string().min(1).max(256).describe("The account's id in the product or in the cloud."),
})

const Given = ById.extend({
  roleArn: z
    .string()
    .max(2048)
    .optional()
    .describe('Of AWS: the role of the template for actions, with the external id of the account.'),
  clientId: z.string().max(64).optional().describe('Of Azure: an application of the same tenant.'),
  clientSecret: z.string().max(1024).optional().describe('Of Azure. Stored encrypted; no answer ever contains it.'),
  serviceAccountJson: z
    .string()
    .max(40_000)
    .optional()
    .describe(
      'Of Google Cloud: the key file of a service account, in base64. Stored encrypted; no answer contains it.',
    ),
})
type Given = z.output<typeof Given>

/** Stores the credentials of the role for actions. Throws Fault `invalid` if the cloud refuses them. */
export const allowActions = change(
  'cloud-accounts.allow-actions',
  Given,
  'write:accounts',
  async (ctx, given, note) => {
    const account = await connected(ctx, given.id)
    const credentials = credentialsFrom(await CloudAccount.credentialsOf(ctx, account), given)
    const { problems } = await ctx.runtime.clouds[account.provider].verify(credentials)
    const [problem] = problems
    if (problem) throw new Fault('invalid', problem.message)
    const sealedToAct = await CloudAccount.sealToAct(ctx, account.id, credentials)
    const after = await changed(ctx, account, { sealedToAct, canAct: true })
    note({
      resourceType: 'cloud_account',
      resourceId: account.id,
      before: { canAct: account.canAct ?? false },
      after: { canAct: true },
    })
    return CloudAccount.Public.parse(after)
  },
)

export const forbidActions = change(
  'cloud-accounts.forbid-actions',
  ById,
  'write:accounts',
  async (ctx, { id }, note) => {
    const account = await connected(ctx, id)
    const after = await changed(ctx, account, { sealedToAct: undefined, canAct: false })
    note({
      resourceType: 'cloud_account',
      resourceId: account.id,
      before: { canAct: account.canAct ?? false },
      after: { canAct: false },
    })
    return CloudAccount.Public.parse(after)
  },
)

/** Over any other change of the record, such as the end of a collection. */
async function changed(ctx: Context, { id }: CloudAccount.Info, edited: Partial<CloudAccount.Info>) {
  const { after } = await ctx.tables.cloudAccounts.update(ctx.orgId, id, (account) => {
    if (account.removedAt !== undefined) throw notConnected(id)
    return { ...account, ...edited, version: account.version + 1 }
  })
  return after
}

const notConnected = (id: string) => new Fault('not_found', `There is no cloud account ${id}.`)

async function connected(ctx: Context, id: string): Promise<CloudAccount.Info> {
  const account = await CloudAccount.load(ctx, id)
  if (account.removedAt !== undefined) throw notConnected(id)
  return account
}

/** The credentials that read, with those of the other role in their place. */
function credentialsFrom(read: CloudCredentials, given: Given): CloudCredentials {
  const needed = <Name extends keyof Given>(name: Name): string => {
    const value = given[name]
    if (value !== undefined) return value
    throw new InvalidInput([{ path: name, message: `is needed for an account of ${read.cloud}` }])
  }
  switch (read.cloud) {
    case 'aws': {
      const roleArn = needed('roleArn')
      if (roleArn.split(':')[4] !== read.roleArn.split(':')[4])
        throw new InvalidInput([{ path: 'roleArn', message: 'must be a role of the account' }])
      return { ...read, roleArn }
    }
    case 'azure':
      return { ...read, clientId: needed('clientId'), clientSecret: needed('clientSecret') }
    case 'gcp':
      return { ...read, serviceAccount: keyOf(needed('serviceAccountJson')) }
  }
}
