import {
  type Access,
  type ActionName,
  type BillDelivery,
  type Cloud,
  type CloudAction,
  type CloudCredentials,
  Fault,
  type InventoryPart,
  type Measurement,
  type PriceList,
  type PriceQuestion,
  type Provider,
  type Retagged,
  type TagChange,
  type Taggable,
  type TagsNow,
  type UtilizationQuestion,
  type Verification,
} from '@cloudoptima/core'

type Problem = Verification['problems'][number]

export type CredentialsOf<C extends Cloud> = Extract<CloudCredentials, { cloud: C }>

/** The message says what to do. */
export function refused(code: Problem['code'], message: string): Verification {
  return { ok: false, problems: [{ code, message }], missing: [] }
}

/** For working credentials; missing permissions are in the order of the cloud's table, optional ones included. */
export function reached(
  purposes: Record<string, string>,
  lacked: ReadonlySet<string>,
  accountName?: string,
  optional: ReadonlySet<string> = new Set(),
): Verification {
  const missing = Object.entries(purposes)
    .filter(([permission]) => lacked.has(permission))
    .map(([permission, neededFor]) => ({ permission, neededFor }))
  const ok = missing.every(({ permission }) => optional.has(permission))
  return { ok, problems: [], missing, ...(accountName !== undefined && { accountName }) }
}

/** `what` must not contain data of the cloud or the customer. */
export function unavailable(cloud: string, what: string): Fault {
  return new Fault('unavailable', `${cloud} does not answer at the moment (${what}). Try again in a few minutes.`)
}

/** An account of this cloud. */
export type AccessTo<C extends Cloud> = Omit<Access, 'credentials'> & { credentials: CredentialsOf<C> }

/** `Provider` with the credentials of one cloud. */
export interface ProviderOf<C extends Cloud> {
  verify(credentials: CredentialsOf<C>): Promise<Verification>
  bills(access: AccessTo<C>): AsyncIterable<BillDelivery>
  preliminary(access: AccessTo<C>): AsyncIterable<BillDelivery>
  inventory(access: AccessTo<C>): AsyncIterable<InventoryPart>
  utilization(access: AccessTo<C>, asked: UtilizationQuestion): AsyncIterable<Measurement[]>
  prices(access: AccessTo<C>, asked: PriceQuestion): AsyncIterable<PriceList>
  tags(access: AccessTo<C>, resources: readonly Taggable[]): Promise<TagsNow[]>
  retag(access: AccessTo<C>, changes: readonly TagChange[]): Promise<Retagged[]>
  actions: CloudActions<C>
}

/** What a cloud implements of the table of actions. */
export type CloudActions<C extends Cloud> = Readonly<
  Partial<Record<ActionName, (access: AccessTo<C>) => CloudAction | Promise<CloudAction>>>
>

/** What is read from an account for a collection. */
export type Collector<C extends Cloud> = Omit<ProviderOf<C>, 'verify' | 'tags' | 'retag' | 'actions'>

/** What is changed in an account. */
export type Actor<C extends Cloud> = Pick<ProviderOf<C>, 'tags' | 'retag'>

/** Refuses credentials of another cloud. */
export function providerOf<C extends Cloud>(cloud: C, own: ProviderOf<C>): Provider {
  const isOurs = (credentials: CloudCredentials): credentials is CredentialsOf<C> => credentials.cloud === cloud
  const check = (credentials: CloudCredentials): CredentialsOf<C> => {
    if (!isOurs(credentials)) throw new Fault('invalid', `These are not credentials of the cloud ${cloud}.`)
    return credentials
  }
  const accessTo = (access: Access): AccessTo<C> => ({ ...access, credentials: check(access.credentials) })
  return {
    verify: async (credentials) => await own.verify(check(credentials)),
    bills: (access) => own.bills(accessTo(access)),
    preliminary: (access) => own.preliminary(accessTo(access)),
    inventory: (access) => own.inventory(accessTo(access)),
    utilization: (access, asked) => own.utilization(accessTo(access), asked),
    prices: (access, asked) => own.prices(accessTo(access), asked),
    tags: async (access, resources) => await own.tags(accessTo(access), resources),
    retag: async (access, changes) => await own.retag(accessTo(access), changes),
    action: async (access, name) => await own.actions[name]?.(accessTo(access)),
  }
}
