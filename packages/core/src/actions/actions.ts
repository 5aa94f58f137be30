import * as z from 'zod'
import type { ActionName, UndoKind } from '../kernel/action.ts'
import type { Cloud } from '../kernel/cloud.ts'
import type { ResourceKind } from '../kernel/resource.ts'

/** A row of the table of actions: all that is the same on each cloud. */
export interface Action {
  /** `Stop the instance` */
  title: string
  clouds: readonly Cloud[]
  kinds: readonly ResourceKind[]
  parameters: z.ZodObject
  /** One sentence. */
  changes: string
  risk: 'low' | 'medium' | 'high'
  /** At worst; the plan of a resource says what holds for it. */
  undo: UndoKind
  /** One sentence. */
  undone: string
  /** The resource is away for some minutes. */
  interrupts: boolean
  /** The undo itself spares what others have changed since; other undos are refused then. */
  sparesOthers?: true
}

const none = z.strictObject({})
const name = z.string().min(1).max(128)
const all = ['aws', 'azure', 'gcp'] as const

/** Each cloud implements its rows in `packages/providers/src/{cloud}/act`; a test holds both against each other. */
export const actions: Readonly<Record<ActionName, Action>> = {
  'stop-instance': {
    title: 'Stop the instance',
    clouds: all,
    kinds: ['instance'],
    parameters: none,
    changes:
      'The instance stops; its disks and addresses stay, and go on costing. On Azure it is deallocated. The data of ' +
      'instance store volumes and of a temporary disk is lost.',
    risk: 'medium',
    undo: 'partial',
    undone: 'The instance starts again. Lost data does not come back.',
    interrupts: true,
  },
  'start-instance': {
    title: 'Start the instance',
    clouds: all,
    kinds: ['instance'],
    parameters: none,
    changes: 'The instance starts, and costs again.',
    risk: 'low',
    undo: 'full',
    undone: 'The instance stops again.',
    interrupts: false,
  },
  'resize-instance': {
    title: 'Change the type of the instance',
    clouds: all,
    kinds: ['instance'],
    parameters: z.strictObject({ type: name.describe('The new type, such as `m7g.large`.') }),
    changes:
      'The instance stops if it runs, takes the new type, and starts if it ran. The data of instance store volumes ' +
      'and of a temporary disk is lost.',
    risk: 'medium',
    undo: 'partial',
    undone: 'The instance takes its old type again, the same way. Lost data does not come back.',
    interrupts: true,
  },
  'delete-volume': {
    title: 'Back the disk up and delete it',
    clouds: all,
    kinds: ['volume'],
    parameters: none,
    changes: 'A snapshot is made of the disk, and when it is complete the disk is deleted.',
    risk: 'medium',
    undo: 'partial',
    undone: 'A disk is made of the snapshot, with the same type and tags, and attached where the old one was.',
    interrupts: false,
  },
  'change-volume': {
    title: 'Change type, size or performance of the disk',
    clouds: ['aws', 'azure'],
    kinds: ['volume'],
    parameters: z.strictObject({
      type: name.optional().describe('`gp3`, or `StandardSSD_LRS`.'),
      sizeGb: z.int().min(1).max(65_536).optional().describe('Never less than now.'),
      iops: z.int().min(100).max(256_000).optional(),
      throughputMb: z.int().min(1).max(10_000).optional(),
    }),
    changes: 'The disk takes the new type, size or performance while it is in use (AWS), or detached (Azure).',
    risk: 'low',
    undo: 'partial',
    undone: 'The disk takes its old type and performance again. It keeps a larger size.',
    interrupts: false,
  },
  'delete-snapshot': {
    title: 'Delete the snapshot',
    clouds: all,
    kinds: ['snapshot', 'database_snapshot'],
    parameters: none,
    changes: 'The snapshot is deleted.',
    risk: 'high',
    undo: 'none',
    undone: 'It cannot be undone, unless the recycle bin of the account keeps it.',
    interrupts: false,
  },
  'deregister-image': {
    title: 'Deregister the image',
    clouds: ['aws', 'gcp'],
    kinds: ['image'],
    parameters: none,
    changes: 'Nothing new can be started from the image. Its snapshots stay on AWS.',
    risk: 'medium',
    undo: 'none',
    undone: 'It cannot be undone, unless the recycle bin of the account keeps it.',
    interrupts: false,
  },
  'release-address': {
    title: 'Release the address',
    clouds: all,
    kinds: ['address'],
    parameters: none,
    changes: 'The public address goes back to the cloud.',
    risk: 'medium',
    undo: 'partial',
    undone: 'An address is reserved again: the same one only if the cloud still has it.',
    interrupts: false,
  },
  'delete-load-balancer': {
    title: 'Delete the load balancer',
    clouds: ['aws'],
    kinds: ['load_balancer'],
    parameters: none,
    changes:
      'The Application or Network Load Balancer is deleted with its listeners; target groups stay. Others are refused.',
    risk: 'high',
    undo: 'partial',
    undone: 'A load balancer with the same listeners, rules and tags is made, under another DNS name.',
    interrupts: false,
  },
  'delete-nat-gateway': {
    title: 'Delete the NAT gateway',
    clouds: ['aws'],
    kinds: ['nat_gateway'],
    parameters: none,
    changes: 'The NAT gateway is deleted. Its addresses and routes stay.',
    risk: 'high',
    undo: 'partial',
    undone: 'A NAT gateway is made in the same subnet with the same addresses, and its routes lead to it.',
    interrupts: false,
  },
  'stop-database': {
    title: 'Stop the database',
    clouds: ['aws', 'gcp'],
    kinds: ['database'],
    parameters: none,
    changes: 'The database stops; its storage goes on costing. AWS starts it again after seven days.',
    risk: 'medium',
    undo: 'full',
    undone: 'The database starts again.',
    interrupts: true,
  },
  'start-database': {
    title: 'Start the database',
    clouds: ['aws', 'gcp'],
    kinds: ['database'],
    parameters: none,
    changes: 'The database starts, and costs again.',
    risk: 'low',
    undo: 'full',
    undone: 'The database stops again.',
    interrupts: false,
  },
  'resize-database': {
    title: 'Change the class of the database',
    clouds: ['aws', 'gcp'],
    kinds: ['database'],
    parameters: z.strictObject({ type: name.describe('The new class, such as `db.m7g.large`.') }),
    changes: 'The database takes the new class at once, and restarts.',
    risk: 'medium',
    undo: 'full',
    undone: 'The database takes its old class again, and restarts.',
    interrupts: true,
  },
  'set-bucket-lifecycle': {
    title: 'Set rules for the lifecycle of the bucket',
    clouds: ['aws'],
    kinds: ['bucket'],
    parameters: z.strictObject({
      abortUploadsDays: z.int().min(1).max(365).optional().describe('Incomplete uploads end after so many days.'),
      tieringDays: z.int().min(0).max(3650).optional().describe('Objects move to Intelligent-Tiering.'),
    }),
    changes: 'The bucket gets a rule more; its other rules stay.',
    risk: 'low',
    undo: 'partial',
    undone: 'The rules are as before. Uploads that ended and objects that moved stay so.',
    interrupts: false,
  },
  'set-log-retention': {
    title: 'Set how long the logs are kept',
    clouds: ['aws'],
    kinds: ['log_group'],
    parameters: z.strictObject({ days: z.int().min(1).max(3653) }),
    changes: 'Events that are older are deleted.',
    risk: 'medium',
    undo: 'partial',
    undone: 'The retention is as before. Deleted events do not come back.',
    interrupts: false,
  },
  'set-function-memory': {
    title: 'Set the memory of the function',
    clouds: ['aws'],
    kinds: ['function'],
    parameters: z.strictObject({ memoryMb: z.int().min(128).max(10_240) }),
    changes: 'New invocations have this memory, and processors in proportion.',
    risk: 'medium',
    undo: 'full',
    undone: 'The memory is as before.',
    interrupts: false,
  },
  'scale-group': {
    title: 'Set the size of the scaling group',
    clouds: ['aws'],
    kinds: ['scaling_group'],
    parameters: z.strictObject({
      desired: z.int().min(0).max(10_000),
      minimum: z.int().min(0).max(10_000).optional(),
      maximum: z.int().min(0).max(10_000).optional(),
    }),
    changes: 'The group starts or ends instances until it has the wanted number.',
    risk: 'medium',
    undo: 'partial',
    undone: 'The group has its old size again, with new instances. The data of the old ones does not come back.',
    interrupts: false,
  },
  'scale-plan': {
    title: 'Change the size of the App Service plan',
    clouds: ['azure'],
    kinds: ['container_service'],
    parameters: z.strictObject({
      sku: name.optional().describe('Such as `P0v3`.'),
      instances: z.int().min(1).max(100).optional(),
    }),
    changes: 'The apps of the plan run on other or fewer workers, after a restart.',
    risk: 'medium',
    undo: 'partial',
    undone: 'The plan has its old size again. Files on the old workers do not come back.',
    interrupts: true,
  },
  'enable-hybrid-benefit': {
    title: 'Switch Azure Hybrid Benefit on',
    clouds: ['azure'],
    kinds: ['instance'],
    parameters: z.strictObject({ licenseType: z.enum(['Windows_Server', 'RHEL_BYOS', 'SLES_BYOS']) }),
    changes: 'The instance uses a license that you own, and pays for the machine only.',
    risk: 'low',
    undo: 'full',
    undone: 'The license is paid with the instance again.',
    interrupts: false,
  },
  'set-tags': {
    title: 'Set tags',
    clouds: all,
    kinds: ['instance', 'volume', 'snapshot', 'image', 'address', 'load_balancer', 'nat_gateway', 'database', 'bucket'],
    parameters: z.strictObject({ tags: z.record(z.string().min(1).max(512), z.string().max(256)) }),
    changes: 'The resource gets these tags; its other tags stay.',
    risk: 'low',
    undo: 'full',
    undone: 'The tags are as before. Tags that others have changed since stay.',
    interrupts: false,
    sparesOthers: true,
  },
}
