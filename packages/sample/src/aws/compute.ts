import type { ProductDraft } from '../company/model.ts'

const plan = { commitment: 'compute-savings-plan' }

function machine(
  size: string,
  price: string,
  vcpus: number,
  memoryGib: number,
): Omit<ProductDraft, 'weight' | 'role' | 'pattern' | 'daily'> {
  return {
    service: 'Amazon Elastic Compute Cloud',
    category: 'Compute',
    subcategory: 'Virtual Machines',
    sku: `EC2${size.replace('.', '').toUpperCase()}`,
    meter: `BoxUsage:${size}`,
    description: `$${price} per On Demand Linux ${size} instance hour`,
    unit: 'Hours',
    price,
    resourceType: 'Instance',
    path: 'arn:aws:ec2:{region}:{account}:instance/i-{hex}',
    zonal: true,
    details: { InstanceType: size, CoreCount: vcpus, MemorySize: memoryGib, OperatingSystem: 'Linux' },
  }
}

const serverless = { category: 'Compute', subcategory: 'Serverless Compute', ...plan }
const containers = { category: 'Compute', subcategory: 'Containers' }

export const compute: readonly ProductDraft[] = [
  { ...machine('m6i.xlarge', '0.2013', 4, 16), ...plan, pattern: 'always', daily: 1, weight: 30, role: 'web' },
  { ...machine('c6i.2xlarge', '0.3552', 8, 16), ...plan, pattern: 'always', daily: 1, weight: 18, role: 'api' },
  { ...machine('r6i.2xlarge', '0.5217', 8, 64), ...plan, pattern: 'always', daily: 1, weight: 8, role: 'search' },
  {
    ...machine('t3.medium', '0.0437', 2, 4),
    pattern: 'office',
    daily: 1,
    weight: 16,
    role: 'workbench',
    environments: ['development', 'staging'],
  },
  {
    ...machine('c5.4xlarge', '0.2641', 16, 32),
    meter: 'SpotUsage:c5.4xlarge',
    description: 'Spot Linux c5.4xlarge instance hour',
    pattern: 'spot',
    daily: 1,
    weight: 8,
    role: 'batch',
  },
  {
    ...serverless,
    service: 'AWS Lambda',
    sku: 'LAMBDAGBS',
    meter: 'Lambda-GB-Second',
    description: 'AWS Lambda duration',
    unit: 'GB-Seconds',
    price: '0.0000171',
    pattern: 'traffic',
    daily: 290_000,
    growthPercent: 55,
    weight: 14,
    role: 'handler',
    resourceType: 'Function',
    path: 'arn:aws:lambda:{region}:{account}:function:{name}',
  },
  {
    ...containers,
    ...plan,
    service: 'AWS Fargate',
    sku: 'FARGATEVCPU',
    meter: 'Fargate-vCPU-Hours:perCPU',
    description: 'AWS Fargate vCPU',
    unit: 'Hours',
    price: '0.0417',
    pattern: 'traffic',
    daily: 96,
    growthPercent: 30,
    weight: 14,
    role: 'service',
    resourceType: 'Task',
    path: 'arn:aws:ecs:{region}:{account}:task/{name}/{hex}',
  },
  {
    ...containers,
    service: 'Amazon Elastic Kubernetes Service',
    sku: 'EKSCLUSTER',
    meter: 'AmazonEKS-Hours:perCluster',
    description: 'EKS cluster hour',
    unit: 'Hours',
    price: '0.102',
    discountPercent: 0,
    pattern: 'always',
    daily: 1,
    weight: 4,
    role: 'cluster',
    resourceType: 'Cluster',
    path: 'arn:aws:eks:{region}:{account}:cluster/{name}',
  },
]
