import type { ProductDraft } from '../company/model.ts'
import { machine } from './compute.ts'
import { storage } from './storage.ts'

const volumes = storage.filter(({ sku }) => sku === 'EBSGP3')

/** What the company could do without. */
export const waste: readonly ProductDraft[] = [
  { ...machine('m4.xlarge', '0.2143', 4, 16), pattern: 'always', daily: 1, weight: 3, role: 'legacy' },
  {
    ...machine('g5.12xlarge', '5.8921', 48, 192),
    pattern: 'always',
    daily: 1,
    weight: 0.001,
    role: 'experiment',
    environments: ['development'],
    bornDaysAgo: 9,
    isIdle: true,
  },
  ...volumes.map((volume) => ({
    ...volume,
    sku: 'EBSGP2',
    meter: 'EBS:VolumeUsage.gp2',
    description: 'General purpose SSD (gp2) provisioned storage',
    price: '0.1042',
    weight: 4,
    role: 'data',
  })),
  {
    service: 'Amazon Virtual Private Cloud',
    category: 'Networking',
    subcategory: 'Network Infrastructure',
    sku: 'IPV4IDLE',
    meter: 'PublicIPv4:IdleAddress',
    description: 'Idle public IPv4 address hour',
    unit: 'Hours',
    price: '0.0051',
    pattern: 'always',
    daily: 1,
    weight: 3,
    role: 'address',
    resourceType: 'Elastic IP address',
    path: 'arn:aws:ec2:{region}:{account}:elastic-ip/eipalloc-{hex}',
  },
]
