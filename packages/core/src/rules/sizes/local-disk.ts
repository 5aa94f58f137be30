import type { Cloud } from '../../kernel/cloud.ts'

/** Without a `d` in their names: https://docs.aws.amazon.com/ec2/latest/instancetypes/ */
const aws = /^([a-z]+\d+[a-z]*d[a-z]*|(d|h|i|im|is)\d[a-z]*|[cmrx][13]e?|m2|f[12]|g[256]e?|gr6|p5e?n?|trn[12]n?|dl1)\./

/** https://learn.microsoft.com/azure/virtual-machines/azure-vms-no-temp-disk: from v4 (B: v2) on, only with a `d`. */
function isOfAzure(type: string): boolean {
  const [, family = '', letters = '', version = '1'] =
    /^Standard_([A-Z]+)\d+(?:-\d+)?([a-z]*)(?:_v(\d+))?$/.exec(type) ?? []
  if (letters.includes('d') || family.startsWith('L')) return true
  if (family === '' || (family === 'B' && version !== '1')) return false
  const last = /^[DE]$/.test(family) ? (letters.includes('a') ? 4 : 3) : 2
  return Number(version) <= last
}

/** Whether a type is known to have disks of its own, whose data does not outlive a stop. Google's types have none. */
export function hasLocalDisk(cloud: Cloud, type: string): boolean {
  return { aws: () => aws.test(type), azure: () => isOfAzure(type), gcp: () => false }[cloud]()
}
