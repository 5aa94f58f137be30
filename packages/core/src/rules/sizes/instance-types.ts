import type { Cloud } from '../../kernel/cloud.ts'
import table from './instance-types.json' with { type: 'json' }

export interface InstanceType {
  name: string
  /** Types of one family differ in size only. */
  family: string
  vcpus: number
  memoryGb: number
  /** Undefined if the cloud does not publish it by type. */
  networkGbps?: number
  isArm: boolean
}

interface Series {
  /** The name of a type; `#` is its vCPUs. */
  name: string
  /** Each with its GiB where these do not follow the ratio: `48 64:432`. */
  vcpus: string
  /** GiB for each vCPU. */
  ratio: number
}

const series = (vcpus: string, ratio: number, ...names: string[]): Series[] =>
  names.map((name) => ({ name, vcpus, ratio }))

/**
 * Series whose sizes follow a rule, as published in November 2026:
 * https://learn.microsoft.com/azure/virtual-machines/sizes/overview and https://cloud.google.com/compute/docs/machine-resource
 */
const regular: Record<'azure' | 'gcp', readonly Series[]> = {
  azure: [
    ...series('2 4 8 16 32 48 64', 4, 'Standard_D#_v3', 'Standard_D#s_v3', 'Standard_D#_v4', 'Standard_D#s_v4'),
    ...series('2 4 8 16 32 48 64', 4, 'Standard_D#d_v4', 'Standard_D#ds_v4', 'Standard_D#a_v4', 'Standard_D#as_v4'),
    ...series('2 4 8 16 32 48 64 96', 4, 'Standard_D#_v5', 'Standard_D#s_v5', 'Standard_D#d_v5', 'Standard_D#ds_v5'),
    ...series(
      '2 4 8 16 32 48 64 96',
      4,
      'Standard_D#as_v5',
      'Standard_D#ads_v5',
      'Standard_D#s_v6',
      'Standard_D#ds_v6',
    ),
    ...series('2 4 8 16 32 48 64 96', 4, 'Standard_D#as_v6', 'Standard_D#ads_v6'),
    ...series('2 4 8 16 20 32 48 64:432', 8, 'Standard_E#_v3', 'Standard_E#s_v3'),
    ...series('2 4 8 16 20 32 48 64:504', 8, 'Standard_E#_v4', 'Standard_E#s_v4'),
    ...series('2 4 8 16 20 32 48 64 96:672', 8, 'Standard_E#_v5', 'Standard_E#s_v5', 'Standard_E#ds_v5'),
    ...series('2 4 8 16 20 32 48 64 96:672', 8, 'Standard_E#as_v5', 'Standard_E#ads_v5'),
    ...series('2 4 8 16 20 32 48 64 96', 8, 'Standard_E#s_v6', 'Standard_E#ds_v6'),
    ...series('1:1 2:4', 4, 'Standard_B#s'),
    ...series('1:2 2 4 8 12 16 20', 4, 'Standard_B#ms'),
    ...series('2 4 8 16 32 48 64 72', 2, 'Standard_F#s_v2'),
  ],
  gcp: [
    ...series('1 2 4 8 16 32 64 96', 3.75, 'n1-standard-#'),
    ...series('2 4 8 16 32 64 96', 6.5, 'n1-highmem-#'),
    ...series('2 4 8 16 32 64 96', 0.9, 'n1-highcpu-#'),
    ...series('2 4 8 16 32 48 64 80 96 128', 4, 'n2-standard-#'),
    ...series('2 4 8 16 32 48 64 80 96', 8, 'n2-highmem-#'),
    ...series('2 4 8 16 32 48 64 80 96', 1, 'n2-highcpu-#'),
    ...series('2 4 8 16 32 48 64 80 96 128 224', 4, 'n2d-standard-#'),
    ...series('2 4 8 16 32 48 64 80 96', 8, 'n2d-highmem-#'),
    ...series('2 4 8 16 32 48 64 80 96 128 224', 1, 'n2d-highcpu-#'),
    ...series('2 4 8 16 32', 4, 'e2-standard-#'),
    ...series('2 4 8 16', 8, 'e2-highmem-#'),
    ...series('2 4 8 16 32', 1, 'e2-highcpu-#'),
    ...series('4 8 16 30 60', 4, 'c2-standard-#'),
    ...series('2 4 8 16 32 56 112', 4, 'c2d-standard-#'),
    ...series('4 8 22 44 88 176', 4, 'c3-standard-#'),
    ...series('4 8 22 44 88 176', 8, 'c3-highmem-#'),
    ...series('4 8 22 44 88 176', 2, 'c3-highcpu-#'),
    ...series('4 8 16 24 32 48 96 144 192 288', 3.75, 'c4-standard-#'),
    ...series('2 4 8 16 32 48 64 80', 4, 'n4-standard-#'),
    ...series('1 2 4 8 16 32 48 60', 4, 't2d-standard-#'),
  ],
}

type Family = readonly InstanceType[]

function ofAws([family, text]: [string, string]): Family {
  const [architecture, ...sizes] = text.split(' ')
  return sizes.map((described) => {
    const [size = '', vcpus, memoryGb, network = ''] = described.split(':')
    const type = { name: `${family}.${size}`, family, vcpus: Number(vcpus), memoryGb: Number(memoryGb) }
    return { ...type, ...(network !== '' && { networkGbps: Number(network) }), isArm: architecture === 'arm64' }
  })
}

function ofSeries({ name, vcpus, ratio }: Series): Family {
  return vcpus.split(' ').map((text) => {
    const [count = '', memoryGb = Number(count) * ratio] = text.split(':')
    const type = { name: name.replace('#', count), family: name.replace(/-?#/, ''), vcpus: Number(count) }
    return { ...type, memoryGb: Number(memoryGb), isArm: false }
  })
}

const families: Record<Cloud, readonly Family[]> = {
  aws: Object.entries(table.aws).map(ofAws),
  azure: regular.azure.map(ofSeries),
  gcp: regular.gcp.map(ofSeries),
}

/** By cloud and name in lower case: the place of a type in its family, from small to large. */
const places = new Map(
  Object.entries(families).flatMap(([cloud, all]) =>
    all.flatMap((family) =>
      family.map((type, place): [string, { family: Family; place: number }] => [
        `${cloud} ${type.name}`.toLowerCase(),
        { family, place },
      ]),
    ),
  ),
)

/** All known types of a cloud. */
export const typesOf = (cloud: Cloud): readonly InstanceType[] => families[cloud].flat()

/** Classes of databases and caches are types with a prefix. */
const prefixOf = (name: string) => /^(?:db|cache)\./.exec(name)?.[0] ?? ''

const placeOf = (cloud: Cloud, name: string) =>
  places.get(`${cloud} ${name.slice(prefixOf(name).length)}`.toLowerCase())

const prefixed = (prefix: string) => (type: InstanceType) => ({ ...type, name: `${prefix}${type.name}` })

/**
 * `n2-custom-4-16384`: 4 vCPUs and 16384 MiB; without a series, N1.
 * https://cloud.google.com/compute/docs/instances/creating-instance-with-custom-machine-type
 */
function customOf(name: string): InstanceType | undefined {
  const [, family, vcpus, mib] = /^((?:\w+-)?custom)-(\d+)-(\d+)$/.exec(name) ?? []
  if (family === undefined) return undefined
  return { name, family, vcpus: Number(vcpus), memoryGb: Number(mib) / 1024, isArm: false }
}

/** Counts of vCPUs that all series with custom types have. */
const customVcpus = [2, 4, 8, 16]
const customStepMib = 256

/** With as much memory for each vCPU, so that it stays within the limits of its series. */
function smallerCustom({ family, vcpus, memoryGb }: InstanceType): InstanceType[] {
  return customVcpus.flatMap((count) => {
    const mib = (memoryGb * 1024 * count) / vcpus
    const isSold = count < vcpus && mib % customStepMib === 0
    const type = { name: `${family}-${count}-${mib}`, family, vcpus: count, memoryGb: mib / 1024, isArm: false }
    return isSold ? [type] : []
  })
}

export function typeOf(cloud: Cloud, name: string): InstanceType | undefined {
  const custom = cloud === 'gcp' ? customOf(name) : undefined
  if (custom) return custom
  const found = placeOf(cloud, name)
  return found?.family.slice(found.place, found.place + 1).map(prefixed(prefixOf(name)))[0]
}

/** RDS: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html */
const unsold = /^db\..+\.nano$/

/** The smaller types of the family, from the smallest. */
export function smallerThan(cloud: Cloud, name: string): InstanceType[] {
  const custom = cloud === 'gcp' ? customOf(name) : undefined
  if (custom) return smallerCustom(custom)
  const found = placeOf(cloud, name)
  const smaller = found ? found.family.slice(0, found.place).map(prefixed(prefixOf(name))) : []
  return smaller.filter((type) => !unsold.test(type.name))
}

/** The same size in another family of AWS. */
export function inFamily(name: string, family: string): InstanceType | undefined {
  const prefix = prefixOf(name)
  return typeOf('aws', `${prefix}${family}.${name.slice(name.lastIndexOf('.') + 1)}`)
}

/** What a commitment covers of machines: a series of Google Cloud, a family of AWS and Azure. */
export const coveredFamily = (cloud: Cloud, type: string): string =>
  cloud === 'gcp' ? type.replace(/-.*$/, '') : familyOf(cloud, type)

/** The family of a type, with the prefix of the service; of another SKU, its name without size. */
export function familyOf(cloud: Cloud, sku: string): string {
  const family = placeOf(cloud, sku)?.family[0]?.family
  return family === undefined ? sku.replace(/[.-][^.-]*$/, '') : `${prefixOf(sku)}${family}`
}
