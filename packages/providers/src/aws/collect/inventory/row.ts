import type { Resource, ResourceKind } from '@cloudoptima/core'
import type { ClientKind, Reader, SdkClient } from '../reader.ts'

/** One API of the inventory. */
export interface Row {
  /** `ec2:instances`: IAM's name of the service, and the things. */
  part: string
  /** `global`: one call for all regions. */
  scope: 'region' | 'global'
  list(at: Place): Promise<Resource[]>
}

/** One region, as a row sees it. */
export interface Place {
  reader: Reader
  region: string
  client<Client extends SdkClient>(kind: ClientKind<Client>, region?: string): Client
  arn(resource: string): string
  /** Tags of resources whose own API has none, by ARN. */
  tags: ReadonlyMap<string, Tags>
}

type Tags = Record<string, string>

/** A row for an API with pages. */
export function row<Sdk, Page>(
  part: string,
  load: () => Promise<Sdk>,
  pages: (sdk: Sdk, at: Place) => AsyncIterable<Page>,
  resources: (page: Page, at: Place, sdk: Sdk) => Resource[] | Promise<Resource[]>,
): Row {
  return {
    part,
    scope: 'region',
    list: async (at) => {
      const sdk = await load()
      const found: Resource[] = []
      for await (const page of pages(sdk, at)) found.push(...(await resources(page, at, sdk)))
      return found
    },
  }
}

type Described = {
  [Field in keyof Resource]?: Resource[Field] | undefined
} & {
  kind: ResourceKind
  createdAtDate?: Date | undefined
}

/** A resource as AWS described it; none if AWS left its id out. */
export function described(at: Place, { id, aliases, createdAtDate, configuration, ...given }: Described): Resource[] {
  if (id === undefined) return []
  const tags = given.tags ?? at.tags.get(id) ?? {}
  const names = aliases?.filter((alias) => alias !== '')
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return [
    {
      kind: given.kind,
      status: 'available',
      region: at.region,
      ...(tags['Name'] !== undefined && { name: tags['Name'] }),
      ...(createdAtDate && { createdAt: createdAtDate.toISOString() }),
      ...known,
      ...(names && names.length > 0 && { aliases: names }),
      id,
      tags,
      configuration: JSON.parse(JSON.stringify(configuration ?? {})),
    },
  ]
}

/** Some fields of AWS's description. */
export function pick<From extends object, Key extends keyof From>(from: From, ...keys: Key[]): Pick<From, Key> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<From, Key>
}

/** Tags as most APIs list them. */
export function tagsOf(listed: readonly { Key?: string | undefined; Value?: string | undefined }[] = []): Tags {
  return Object.fromEntries(listed.map(({ Key = '', Value = '' }) => [Key, Value]))
}

const bytesPerGb = 1024 ** 3

export function gbOf(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / bytesPerGb
}
