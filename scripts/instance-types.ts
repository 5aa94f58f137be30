// Writes the bundled table of EC2 instance types from the answer of DescribeInstanceTypes that the package moto carries:
// gunzip -c moto/ec2/resources/instance_types.json.gz | node scripts/instance-types.ts <version of moto> <date of it>
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Described {
  InstanceType: string
  BareMetal: boolean
  VCpuInfo: { DefaultVCpus: number }
  MemoryInfo: { SizeInMiB: number }
  ProcessorInfo: { SupportedArchitectures: string[] }
  NetworkInfo: { NetworkCards?: { BaselineBandwidthInGbps?: number }[] }
}

/** General, compute, memory and storage optimized, and burstable. */
const families = /^([mcr][1-8](?!.*flex)|t[1-4]|i[234]|d[23]|z1d)/
const [version, date] = process.argv.slice(2)
const target = join(import.meta.dirname, '..', 'packages', 'core', 'src', 'rules', 'sizes', 'instance-types.json')
const types = Object.values(JSON.parse(readFileSync(0, 'utf8')) as Record<string, Described>)
const wanted = types.filter(({ InstanceType, BareMetal }) => families.test(InstanceType) && !BareMetal)
const aws = [...Map.groupBy(wanted, ({ InstanceType }) => InstanceType.split('.')[0] ?? '')]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([family, members]) => {
    const isArm = members.some(({ ProcessorInfo }) => ProcessorInfo.SupportedArchitectures.includes('arm64'))
    return [family, [isArm ? 'arm64' : 'x86_64', ...members.toSorted(bySize).map(sizeOf)].join(' ')]
  })
const source = 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html'
const packaged = `https://pypi.org/project/moto/${version}/`
const columns = 'architecture, then size:vCPU:memory in GiB:baseline network in Gbit/s'
writeFileSync(target, `${JSON.stringify({ source, packaged, date, columns, aws: Object.fromEntries(aws) }, null, 2)}\n`)

function bySize(a: Described, b: Described): number {
  return a.VCpuInfo.DefaultVCpus - b.VCpuInfo.DefaultVCpus || a.MemoryInfo.SizeInMiB - b.MemoryInfo.SizeInMiB
}

function sizeOf({ InstanceType, VCpuInfo, MemoryInfo, NetworkInfo }: Described): string {
  const size = InstanceType.slice(InstanceType.indexOf('.') + 1)
  const network = NetworkInfo.NetworkCards?.[0]?.BaselineBandwidthInGbps
  return [size, VCpuInfo.DefaultVCpus, MemoryInfo.SizeInMiB / 1024, network ?? ''].join(':')
}
