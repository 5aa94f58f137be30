import { expect, test } from 'vitest'
import { familyOf, inFamily, smallerThan, typeOf } from './instance-types.ts'

test.each([
  ['aws', 'm5.xlarge', { family: 'm5', vcpus: 4, memoryGb: 16, networkGbps: 1.25, isArm: false }],
  ['aws', 'db.r6g.large', { family: 'r6g', vcpus: 2, memoryGb: 16, isArm: true }],
  ['azure', 'standard_d4s_v5', { name: 'Standard_D4s_v5', family: 'Standard_Ds_v5', vcpus: 4, memoryGb: 16 }],
  ['azure', 'Standard_E96as_v5', { family: 'Standard_Eas_v5', vcpus: 96, memoryGb: 672 }],
  ['azure', 'Standard_B1ms', { family: 'Standard_Bms', vcpus: 1, memoryGb: 2 }],
  ['gcp', 'c4-standard-96', { family: 'c4-standard', vcpus: 96, memoryGb: 360 }],
  ['gcp', 'n2-custom-8-16384', { family: 'n2-custom', vcpus: 8, memoryGb: 16 }],
  ['gcp', 'custom-4-6656', { family: 'custom', vcpus: 4, memoryGb: 6.5 }],
  ['gcp', 'n2-highmem-8', { family: 'n2-highmem', vcpus: 8, memoryGb: 64 }],
] as const)('%s %s', (cloud, name, described) => {
  expect(typeOf(cloud, name)).toMatchObject(described)
})

test('a type that the table lacks is unknown', () => {
  expect(typeOf('aws', 'm99.large')).toBeUndefined()
  expect(smallerThan('azure', 'Standard_D3s_v5')).toEqual([])
})

test('smaller types are of the same family, from the smallest, with the prefix of the service', () => {
  expect(smallerThan('aws', 'db.m5.2xlarge').map(({ name }) => name)).toEqual(['db.m5.large', 'db.m5.xlarge'])
  expect(smallerThan('gcp', 'c2-standard-16').map(({ name }) => name)).toEqual(['c2-standard-4', 'c2-standard-8'])
})

test('smaller custom types have as much memory for each vCPU, in steps of 256 MiB', () => {
  const smaller = (type: string) => smallerThan('gcp', type).map(({ name }) => name)
  expect(smaller('n2-custom-8-16384')).toEqual(['n2-custom-2-4096', 'n2-custom-4-8192'])
  expect(smaller('custom-4-6656')).toEqual(['custom-2-3328'])
  expect(smaller('e2-custom-2-4096')).toEqual([])
})

test('the same size in another family', () => {
  expect(inFamily('db.m5.2xlarge', 'r5')?.name).toBe('db.r5.2xlarge')
  expect(inFamily('m5.24xlarge', 'm7g')).toBeUndefined()
})

test('the family of a SKU', () => {
  expect(['m5.large', 'gp3', 'db.m5.large', 'cache.zz.large'].map((sku) => familyOf('aws', sku))).toEqual([
    'm5',
    'gp3',
    'db.m5',
    'cache.zz',
  ])
})
