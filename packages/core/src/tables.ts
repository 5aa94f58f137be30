import type * as Audit from './audit.ts'
import type * as CloudAccount from './cloud-account.ts'
import type * as Execution from './execution.ts'
import type * as Idempotency from './idempotency.ts'
import type * as ApiKey from './identity/api-key.ts'
import type * as Email from './identity/email.ts'
import type * as Invitation from './identity/invitation.ts'
import type * as Lockout from './identity/lockout.ts'
import type * as Mailed from './identity/mailed.ts'
import type * as OpenIdSignIn from './identity/open-id.ts'
import type * as Session from './identity/session.ts'
import type * as User from './identity/user.ts'
import type * as Import from './import.ts'
import type * as Organization from './organization.ts'
import type { KeptMessage } from './runtime.ts'
import type * as Snapshot from './snapshot.ts'
import type * as Sweep from './sweep.ts'
import type * as Withheld from './withheld.ts'

/** Everything that is kept, noun by noun. */
export interface Tables {
  imports: Table<Import.Info>
  heads: Table<Snapshot.Head>
  partitions: Table<Snapshot.Pointer>
  snapshots: Table<Snapshot.Info>
  /** What the embedded workflow interpreter remembers; Step Functions keeps its own. */
  executions: Table<Execution.Info>
  idempotency: Table<Idempotency.Info>
  audit: Table<Audit.Info>
  auditIntents: Table<Audit.Intent>
  organizations: Table<Organization.Info>
  /** Every organisation there is; of nobody. */
  organizationIndex: Table<{ id: string }>
  /** Of nobody. */
  sweeps: Table<Sweep.Progress>
  users: Table<User.Info>
  credentials: Table<User.Credentials>
  /** Where an e-mail address belongs; of nobody. */
  emails: Table<Email.Entry>
  sessions: Table<Session.Info>
  spentTokens: Table<Session.Spent>
  mailedTokens: Table<Mailed.Info>
  invitations: Table<Invitation.Info>
  apiKeys: Table<ApiKey.Info>
  /** Attempts to sign in; of nobody. */
  attempts: Table<Lockout.Info>
  /** Of nobody. */
  signInFlows: Table<OpenIdSignIn.Flow>
  cloudAccounts: Table<CloudAccount.Info>
  externalIds: Table<CloudAccount.ExternalId>
  /** Which organisation a cloud account is connected to; of nobody. */
  accountClaims: Table<CloudAccount.Claim>
  withheld: Table<Withheld.Info>
  /** What one machine keeps in place of sending it. */
  mails: Table<KeptMessage>
}

const kept: Record<keyof Tables, true> = {
  imports: true,
  heads: true,
  partitions: true,
  snapshots: true,
  executions: true,
  idempotency: true,
  mails: true,
  audit: true,
  auditIntents: true,
  organizations: true,
  organizationIndex: true,
  sweeps: true,
  users: true,
  credentials: true,
  emails: true,
  sessions: true,
  spentTokens: true,
  mailedTokens: true,
  invitations: true,
  apiKeys: true,
  attempts: true,
  signInFlows: true,
  cloudAccounts: true,
  externalIds: true,
  accountClaims: true,
  withheld: true,
}

/** Every noun that is kept. */
export const nouns = Object.keys(kept) as (keyof Tables)[]

/**
 * A set of items of one noun. The organisation leads every key; an item is at most 400 KB (DynamoDB). An item with a number `expiresAt` (seconds since
 * 1970) is removed some time after that, up to days: who reads it compares.
 */
export interface Table<Item extends { id: string }> {
  get(orgId: string, id: string): Promise<Item | undefined>
  /** Items in order of id; `before` continues a page read in descending order, `after` one in ascending order. */
  list(orgId: string, page?: Page): Promise<{ items: Item[]; next?: string }>
  /** All items of the organisation, however many pages that takes. */
  all(orgId: string, prefix?: string): Promise<Item[]>
  /** Throws Fault `conflict` when the id exists. */
  insert(orgId: string, item: Item): Promise<void>
  /** Writes the item whether or not it exists. */
  put(orgId: string, item: Item): Promise<void>
  /** One conditional write: only where every named field still has this value (`undefined`: the item does not exist). Throws Fault `conflict` otherwise. */
  replace(orgId: string, item: Item, where: Where<Item> | undefined): Promise<void>
  remove(orgId: string, id: string): Promise<void>
}

/** Fields as they must be; `undefined`: the item has none of this name. */
export type Where<Item> = { [Name in keyof Item]?: Item[Name] | undefined }

export interface Page {
  prefix?: string
  limit?: number
  /** The `next` of the page before, or any other id: the page begins behind where it is, or would be. */
  from?: string
  descending?: boolean
}
