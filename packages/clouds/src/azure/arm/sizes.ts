/** https://learn.microsoft.com/azure/virtual-machines/sizes/overview: name, cores, memory of a core, temporary disk of a core. */
const series: [name: (cores: number) => string, cores: number[], memoryGb: number, temporaryGb: number][] = [
  [(cores) => `Standard_D${cores}s_v5`, [2, 4, 8, 16, 32], 4, 0],
  [(cores) => `Standard_E${cores}s_v5`, [2, 4, 8, 16, 32], 8, 0],
  [(cores) => `Standard_D${cores}ds_v5`, [2, 4, 8, 16, 32], 4, 37.5],
  [(cores) => `Standard_D${cores}ps_v5`, [2, 4, 8, 16, 32], 4, 0],
  [(cores) => `Standard_D${cores}s_v3`, [2, 4, 8, 16, 32], 4, 8],
  [(cores) => `Standard_D${cores}_v3`, [2, 4, 8, 16, 32], 4, 25],
  [(cores) => `Standard_F${cores}s_v2`, [2, 4, 8, 16, 32], 2, 8],
  [(cores) => `Standard_B${cores}ms`, [2, 4, 8, 16], 4, 8],
]

const mb = 1024

/** The form of `VirtualMachine_ListAvailableVmSizes.json` of Azure/azure-rest-api-specs. */
export const sizes = series.flatMap(([nameOf, cores, memoryGb, temporaryGb]) =>
  cores.map((numberOfCores) => ({
    name: nameOf(numberOfCores),
    numberOfCores,
    osDiskSizeInMB: 1023 * mb,
    resourceDiskSizeInMB: numberOfCores * temporaryGb * mb,
    memoryInMB: numberOfCores * memoryGb * mb,
    maxDataDiskCount: Math.min(32, 2 * numberOfCores),
  })),
)

const seriesOf = (size: string) => size.replace(/\d+/, '')

/** A host has the sizes of one series. */
export const isSameHost = (one: string, other: string) => seriesOf(one).toLowerCase() === seriesOf(other).toLowerCase()
