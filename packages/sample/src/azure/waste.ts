import type { ProductDraft } from '../company/model.ts'
import { machine } from './compute.ts'

/** What the company could do without. */
export const waste: readonly ProductDraft[] = [
  { ...machine('D4s v3', '0.2219', 4, 16), pattern: 'always', daily: 1, weight: 3, role: 'legacy' },
  {
    service: 'Azure Disk Storage',
    category: 'Storage',
    subcategory: 'Block Storage',
    sku: 'DZH318Z0SNAP',
    meter: 'LRS Snapshots',
    description: 'Standard HDD Managed Disks - LRS snapshots',
    unit: 'GB-Months',
    price: '0.0514',
    pattern: 'storage',
    daily: 9,
    growthPercent: 0,
    weight: 4,
    role: 'snapshot',
    resourceType: 'Snapshot',
    path: 'Microsoft.Compute/snapshots/{name}',
  },
]
