import type { ProductDraft } from '../company/model.ts'
import { machine } from './compute.ts'
import { platform } from './platform.ts'

const engine = { service: 'Compute Engine', category: 'Compute', subcategory: 'Virtual Machines' }
const logs = platform.filter(({ role }) => role === 'logs')

/** What the company could do without. */
export const waste: readonly ProductDraft[] = [
  {
    ...machine,
    sku: '2E27-4F75-95CD',
    meter: 'N1 Instance',
    description: 'N1 standard-4 instance running in the region',
    price: '0.2189',
    pattern: 'always',
    daily: 1,
    weight: 3,
    role: 'n1',
    details: { MachineType: 'n1-standard-4', CoreCount: 4, MemorySize: 15 },
  },
  {
    ...engine,
    sku: '54C5-3A0D-B1F7',
    meter: 'Static Ip Charge',
    description: 'Static IP charge',
    unit: 'Hours',
    price: '0.0102',
    discountPercent: 0,
    pattern: 'always',
    daily: 1,
    weight: 3,
    role: 'ip',
    resourceType: 'Address',
    path: '//compute.googleapis.com/projects/{account}/regions/{region}/addresses/{name}',
  },
  {
    ...engine,
    sku: '4D6B-70E1-C2A8',
    meter: 'Storage PD Snapshot',
    description: 'Storage of snapshots of persistent disks',
    unit: 'GB-Months',
    price: '0.0514',
    pattern: 'storage',
    daily: 9,
    growthPercent: 0,
    weight: 4,
    role: 'snapshot',
    resourceType: 'Snapshot',
    path: '//compute.googleapis.com/projects/{account}/global/snapshots/{name}',
  },
  ...logs.map((log) => ({
    ...log,
    sku: '143F-A1B0-E0BF',
    description: 'Log volume stored in Mumbai',
    weight: 0.001,
    role: 'trace',
    daily: 60,
    bornDaysAgo: 6,
    region: { id: 'asia-south1', name: 'Mumbai' },
  })),
]
