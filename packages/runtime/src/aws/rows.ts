import { randomInt } from 'node:crypto'
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import type { QueryCommandOutput } from '@aws-sdk/lib-dynamodb'
import { checkWhere, type Outgoing, type Conditions } from '@cloudoptima/core'

/**
 * A row: `pk` = `{organization}#{noun}`, `sk` = the item's id, `item` (none in a tombstone), revision `rev`; copies for
 * DynamoDB: `expiresAt`, `status` = `{pk}#{status}`, `due` = `{noun}` with `dueAt`; events `e#{id}`, their ids in
 * `pending`, the oldest in `outboxAt`.
 */
export type Row = NonNullable<QueryCommandOutput['Items']>[number]

export interface Key {
  pk: string
  sk: string
}

export const pkOf = (orgId: string, noun: string): string => `${orgId}#${noun}`
export const statusOf = (orgId: string, noun: string, status: unknown): string =>
  `${pkOf(orgId, noun)}#${String(status)}`

export function ownerOf({ pk }: Key): { orgId: string; noun: string } {
  const at = pk.lastIndexOf('#')
  return { orgId: pk.slice(0, at), noun: pk.slice(at + 1) }
}

// One partition of the index takes 1,000 writes a second.
const shards = 8

/** An organization's outbox (shared with others), or all. */
export function outboxesOf(orgId?: string): string[] {
  const all = Array.from({ length: shards }, (_, shard) => `outbox#${shard}`)
  if (orgId === undefined) return all
  const sum = Buffer.from(orgId).reduce((sum, byte) => (sum * 31 + byte) % 65_521, 7)
  return [all[sum % shards] ?? '']
}

export class Expression {
  private readonly names = new Map<string, string>()
  private readonly values: Record<string, unknown> = {}

  name(name: string): string {
    const known = this.names.get(name)
    const placeholder = known ?? `#n${this.names.size}`
    if (known === undefined) this.names.set(name, placeholder)
    return placeholder
  }

  value(value: unknown): string {
    const placeholder = `:v${Object.keys(this.values).length}`
    this.values[placeholder] = storable(value)
    return placeholder
  }

  get attributes(): {
    ExpressionAttributeNames?: Record<string, string>
    ExpressionAttributeValues?: Record<string, unknown>
  } {
    return {
      ...(this.names.size > 0 && {
        ExpressionAttributeNames: Object.fromEntries([...this.names].map(([name, placeholder]) => [placeholder, name])),
      }),
      ...(Object.keys(this.values).length > 0 && { ExpressionAttributeValues: this.values }),
    }
  }
}

// DynamoDB refuses numbers nearer to 0: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const leastMagnitude = 1e-130

/** Numbers that DynamoDB cannot tell from 0 become 0. */
function storable(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) < leastMagnitude ? 0 : value
  if (Array.isArray(value)) return value.map(storable)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, storable(inner)]))
}

export type Condition = { where: object } | { revision: number } | 'absent' | undefined

export function conditionOf(at: Expression, condition: Condition): string | undefined {
  if (condition === undefined) return undefined
  const item = at.name('item')
  if (condition === 'absent') return `attribute_not_exists(${item})`
  const exists = `attribute_exists(${item})`
  if ('revision' in condition) return `${exists} AND ${at.name('rev')} = ${at.value(condition.revision)}`
  checkWhere(condition.where)
  const terms = Object.entries(condition.where).map(([name, value]) =>
    value === undefined
      ? `attribute_not_exists(${item}.${at.name(name)})`
      : `${item}.${at.name(name)} = ${at.value(value)}`,
  )
  return [exists, ...terms].join(' AND ')
}

export function filterOf(
  at: Expression,
  { where = {}, unless = {}, atLeast = {}, atMost = {} }: Conditions<object>,
): string {
  const compared = (values: object, operator: string) => {
    checkWhere(values)
    return Object.entries(values).map(
      ([name, value]) => `${at.name('item')}.${at.name(name)} ${operator} ${at.value(value)}`,
    )
  }
  const bounds = [...compared(unless, '<>'), ...compared(atLeast, '>='), ...compared(atMost, '<=')]
  return [conditionOf(at, { where }), ...bounds].join(' AND ')
}

// TTL must not take a row whose events are still to be published.
const weekSeconds = 7 * 24 * 3600

/** Without an item it writes a tombstone. */
export function writeOf(
  at: Expression,
  { orgId, noun }: { orgId: string; noun: string },
  item: object | undefined,
  events: readonly Outgoing[],
): string {
  const { status, dueAt, expiresAt } = (item ?? {}) as { status?: unknown; dueAt?: unknown; expiresAt?: unknown }
  const isDue = typeof dueAt === 'string' && dueAt !== ''
  const [first] = events
  const keptUntil = first && Math.ceil(Date.parse(first.at) / 1000) + weekSeconds
  const attributes: Record<string, unknown> = {
    item,
    status: typeof status === 'string' ? statusOf(orgId, noun, status) : undefined,
    due: isDue ? noun : undefined,
    dueAt: isDue ? dueAt : undefined,
    expiresAt: expiryOf(item, expiresAt, keptUntil),
    ...(first && { outbox: outboxesOf(orgId)[0] }),
    ...Object.fromEntries(events.map((event) => [`e#${event.id}`, event])),
  }
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const sets = given.map(([name, value]) => `${at.name(name)} = ${at.value(value)}`)
  // An item that is inserted again never repeats the revision of the removed one.
  const start = `if_not_exists(${at.name('rev')}, ${at.value(randomInt(2 ** 40))})`
  sets.push(`${at.name('rev')} = ${start} + ${at.value(1)}`)
  if (first) sets.push(`${at.name('outboxAt')} = if_not_exists(${at.name('outboxAt')}, ${at.value(first.at)})`)
  const gone = Object.keys(attributes).filter((name) => attributes[name] === undefined)
  return [
    `SET ${sets.join(', ')}`,
    gone.length > 0 && `REMOVE ${gone.map((name) => at.name(name)).join(', ')}`,
    first && `ADD ${at.name('pending')} ${at.value(new Set(events.map(({ id }) => id)))}`,
  ]
    .filter(Boolean)
    .join(' ')
}

function expiryOf(item: object | undefined, expiresAt: unknown, keptUntil: number | undefined) {
  if (item === undefined) return keptUntil ?? Math.ceil(Date.now() / 1000) + weekSeconds
  return typeof expiresAt === 'number' ? Math.max(expiresAt, keptUntil ?? 0) : undefined
}

/** `isLast`: only if no others are pending. */
export function acknowledgementOf(
  at: Expression,
  eventIds: readonly string[],
  isLast: boolean,
): { UpdateExpression: string; ConditionExpression: string } {
  const events = eventIds.map((id) => at.name(`e#${id}`))
  const gone = isLast ? [...events, at.name('outbox'), at.name('outboxAt')] : events
  const some = events[0]
  const condition = some === undefined ? `attribute_not_exists(${at.name('pending')})` : `attribute_exists(${some})`
  return {
    UpdateExpression:
      'REMOVE ' +
      `${gone.join(', ')}${some === undefined ? '' : ` DELETE ${at.name('pending')} ${at.value(new Set(eventIds))}`}`,
    ConditionExpression: [
      `attribute_exists(${at.name('outbox')})`,
      condition,
      // Another write may have added one since they were read.
      ...(isLast && some !== undefined ? [`size(${at.name('pending')}) = ${at.value(eventIds.length)}`] : []),
      ...(isLast ? eventIds.map((id) => `contains(${at.name('pending')}, ${at.value(id)})`) : []),
    ].join(' AND '),
  }
}

export function eventsOf(row: Row): Outgoing[] {
  const events = Object.entries(row).flatMap(([name, value]) => (name.startsWith('e#') ? [value as Outgoing] : []))
  return events.toSorted((a, b) => (a.at < b.at ? -1 : 1))
}

/** False where the condition of a write does not hold. */
export async function holds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}
