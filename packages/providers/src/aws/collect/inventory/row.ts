import type { Resource, ResourceKind } from '@cloudoptima/core'
import type { ClientKind, Reader, SdkClient } from '../reader.ts'

/** One API of the inventory. */
export interface Row {
  /** IAM's name of the service, and the things: `ec2:instances`. */
  part: string
  list(at: Place): Promise<Resource[]>
}

/** One region, as a row sees it. */
export interface Place {
  reader: Reader
  region: string
  client<Client extends SdkClient>(kind: ClientKind<Client>, region?: string): Client
  arn(resource: string): string
  /** Tags of resources whose own API has none, by ARN; undefined if AWS did not answer them. */
  tags: ReadonlyMap<string, Tags> | undefined
}

type Tags = Record<string, string>
type KeyOf<Item, Value> = { [Key in keyof Item]-?: Item[Key] extends Value | undefined ? Key : never }[keyof Item]
type Field<Item, Value> = KeyOf<Item, Value> | ((item: Item, at: Place) => Value | undefined)

/** How AWS's description becomes a resource: by the names of its fields, or by functions. */
export interface Shape<Item> {
  kind: ResourceKind
  id: Field<Item, string>
  aliases?: (item: Item, at: Place) => (string | undefined)[]
  name?: Field<Item, string>
  type?: Field<Item, string>
  status?: Field<Item, string>
  region?: Field<Item, string>
  zone?: Field<Item, string>
  createdAt?: Field<Item, Date | string>
  sizeGb?: Field<Item, number>
  iops?: Field<Item, number>
  attachedTo?: Field<Item, string>
  tags?: (item: Item) => Tags | undefined
  /** Fields of the configuration. */
  keep?: readonly (keyof Item)[]
  /** More of the configuration. */
  more?: (item: Item) => object
}

/** A row whose API has pages. The shape is an argument of its own, because its type follows from the items. */
export function row<Sdk, Page, Item extends object>(
  part: string,
  load: () => Promise<Sdk>,
  pages: (sdk: Sdk, at: Place) => AsyncIterable<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): (shape: Shape<Item>) => Row {
  return (shape) => ({
    part,
    list: async (at) => {
      const found: Resource[] = []
      for await (const page of pages(await load(), at))
        for (const item of items(page) ?? []) found.push(...described(at, item, shape))
      return found
    },
  })
}

/** A resource with a short id in bills; its ARN is another name. */
export function byId<Key extends string>(key: Key, resource: string) {
  return {
    id: (item: { [Name in Key]?: string | undefined }) => item[key],
    aliases: (item: { [Name in Key]?: string | undefined }, at: Place) => [at.arn(`${resource}${item[key]}`)],
  }
}

/** A resource with an ARN in bills, which its API leaves out. */
export function byArn<Key extends string>(key: Key, resource: string) {
  return {
    id: (item: { [Name in Key]?: string | undefined }, at: Place) => item[key] && at.arn(`${resource}${item[key]}`),
    aliases: (item: { [Name in Key]?: string | undefined }) => [item[key]],
  }
}

/** The resource; none if AWS left its id out. */
export function described<Item extends object>(at: Place, item: Item, shape: Shape<Item>): Resource[] {
  const valueOf = <Value>(field: Field<Item, Value> | undefined): Value | undefined =>
    typeof field === 'function' ? field(item, at) : field && (item[field] as Value | undefined)
  const id = valueOf<string>(shape.id)
  if (!id) return []
  const { Tags, TagList = Tags } = item as { Tags?: Tag[]; TagList?: Tag[] }
  const tags = shape.tags?.(item) ?? (TagList ? tagsOf(TagList) : at.tags && (at.tags.get(id) ?? {}))
  const aliases = shape.aliases?.(item, at).filter((alias) => alias !== undefined)
  const createdAt = new Date(valueOf<Date | string>(shape.createdAt) ?? '')
  const optional = {
    aliases: aliases?.length ? aliases : undefined,
    name: valueOf<string>(shape.name) ?? tags?.['Name'],
    type: valueOf<string>(shape.type),
    zone: valueOf<string>(shape.zone),
    createdAt: Number.isNaN(createdAt.getTime()) ? undefined : createdAt.toISOString(),
    sizeGb: valueOf<number>(shape.sizeGb),
    iops: valueOf<number>(shape.iops),
    attachedTo: valueOf<string>(shape.attachedTo),
  }
  const resource = {
    id,
    kind: shape.kind,
    status: statusOf(shape.kind, valueOf<string>(shape.status)),
    region: valueOf<string>(shape.region) ?? at.region,
    ...optional,
    tags,
    configuration: { ...pick(item, ...(shape.keep ?? [])), ...shape.more?.(item) },
  }
  // JSON has no undefined, and writes dates as text.
  return [JSON.parse(JSON.stringify(resource)) as Resource]
}

const words: Record<string, string> = {
  active: 'available',
  completed: 'available',
  inactive: 'terminated',
  deleted: 'terminated',
}
/** A state on the way to another one counts as that one. */
const wordsOf: Partial<Record<ResourceKind, Record<string, string>>> = {
  instance: { pending: 'running', stopping: 'stopped', 'shutting-down': 'terminated' },
  commitment: { active: 'in-use' },
}

function statusOf(kind: ResourceKind, word = 'available'): string {
  const own = word.toLowerCase()
  return wordsOf[kind]?.[own] ?? words[own] ?? own
}

/** Some fields of AWS's description. */
export function pick<From extends object, Key extends keyof From>(from: From, ...keys: Key[]): Pick<From, Key> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<From, Key>
}

interface Tag {
  Key?: string | undefined
  Value?: string | undefined
}

/** Tags as most APIs list them. */
export function tagsOf(listed: readonly Tag[] = []): Tags {
  return Object.fromEntries(listed.map(({ Key = '', Value = '' }) => [Key, Value]))
}

export function gbOf(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1024 ** 3
}
