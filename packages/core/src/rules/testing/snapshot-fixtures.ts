import type { Fixture } from './fixture.ts'
import { daysAgo, some, usd } from './subjects.ts'

const snapshot = some('aws', 'snapshot', { cost: usd({ backup: '5.4 x 100' }) })
const ofDisk = some('azure', 'snapshot', { type: 'Standard_LRS', cost: usd({ backup: '6.4 x 128' }) })
const ofPd = some('gcp', 'snapshot', { cost: usd({ backup: '2.6 x 100' }) })
const ofDatabase = some('aws', 'database_snapshot', { cost: usd({ backup: '9.5 x 100' }) })
const image = some('aws', 'image')
const gcpImage = some('gcp', 'image', { cost: usd({ storage: '2.5 x 50' }) })
const bucket = some('aws', 'bucket', { cost: usd({ storage: '245 x 10000' }) })
const logs = some('aws', 'log_group', { sizeGb: 500, cost: usd({ storage: '16.2 x 500' }) })
const sizes = { BucketSizeBytes: { StandardStorage: 1e13 } }
const enabled = { Status: 'Enabled' }
const ageless = { createdAt: '' }

export const snapshotFixtures: readonly Fixture[] = [
  {
    rule: 'aws-snapshot-old',
    finds: [
      snapshot({ id: 'snap-orphan', attachedTo: 'vol-gone' }),
      snapshot({ id: 'snap-first', attachedTo: 'vol-kept' }),
    ],
    leaves: [
      snapshot({ id: 'snap-last', attachedTo: 'vol-kept', createdAt: daysAgo(95) }),
      snapshot({ id: 'snap-new', attachedTo: 'vol-gone', createdAt: daysAgo(30) }),
      snapshot({ id: 'snap-backup', tags: { 'aws:backup:source-resource': 'x' } }),
      snapshot({ id: 'snap-lifecycle', attachedTo: 'vol-gone', tags: { 'aws:dlm:lifecycle-policy-id': 'policy-1' } }),
      snapshot({ id: 'snap-image' }),
      snapshot({ id: 'snap-only', attachedTo: 'vol-lost' }),
      snapshot({ id: 'snap-good', attachedTo: 'vol-failed' }),
      snapshot({ id: 'snap-failed', attachedTo: 'vol-failed', status: 'error', createdAt: daysAgo(30) }),
      snapshot({ id: 'snap-copy', attachedTo: 'vol-ffffffff' }),
      snapshot({ id: 'snap-copy-new', attachedTo: 'vol-ffffffff', createdAt: daysAgo(95) }),
    ],
    lacks: [snapshot({ id: 'snap-ageless', ...ageless }), snapshot({ id: 'snap-sourceless' })],
    beside: [
      some('aws', 'volume')({ id: 'vol-kept' }),
      image({ id: 'ami-kept', configuration: { SnapshotIds: ['snap-image'] } }),
    ],
  },
  {
    rule: 'azure-snapshot-old',
    finds: [
      ofDisk({ id: 'disk-snapshot-old', attachedTo: 'disk-gone', configuration: { incremental: true } }),
      ofDisk({ id: 'disk-snapshot-full', attachedTo: 'disk-gone', configuration: { incremental: false } }),
    ],
    leaves: [
      ofDisk({ id: 'disk-snapshot-new', attachedTo: 'disk-gone', createdAt: daysAgo(30) }),
      ofDisk({ id: 'disk-snapshot-only', attachedTo: 'disk-lost' }),
      ofDisk({ id: 'disk-snapshot-backup', name: 'AzureBackup_web_1' }),
    ],
    lacks: [ofDisk({ id: 'disk-snapshot-ageless', ...ageless })],
  },
  {
    rule: 'gcp-snapshot-old',
    finds: [ofPd({ id: 'pd-snapshot-old', attachedTo: 'pd-gone' })],
    leaves: [
      ofPd({ id: 'pd-snapshot-new', attachedTo: 'pd-gone', createdAt: daysAgo(30) }),
      ofPd({ id: 'pd-snapshot-only', attachedTo: 'pd-lost' }),
      ofPd({ id: 'pd-snapshot-scheduled', configuration: { sourceSnapshotSchedulePolicy: 'daily' } }),
    ],
    lacks: [ofPd({ id: 'pd-snapshot-ageless', ...ageless })],
  },
  {
    rule: 'aws-database-snapshot-old',
    finds: [ofDatabase({ id: 'db-snapshot-old', attachedTo: 'db-gone' })],
    leaves: [
      ofDatabase({ id: 'db-snapshot-new', attachedTo: 'db-gone', createdAt: daysAgo(30) }),
      ofDatabase({ id: 'db-snapshot-only', attachedTo: 'db-lost' }),
      ofDatabase({ id: 'db-snapshot-backup', attachedTo: 'db-gone', tags: { 'aws:backup:source-resource': 'x' } }),
    ],
    lacks: [ofDatabase({ id: 'db-snapshot-ageless', ...ageless })],
  },
  {
    rule: 'azure-snapshot-premium',
    finds: [
      ofDisk({
        id: 'disk-snapshot-premium',
        type: 'Premium_LRS',
        createdAt: daysAgo(9),
        cost: usd({ backup: '15.4 x 128' }),
      }),
    ],
    leaves: [ofDisk({ id: 'disk-snapshot-standard', createdAt: daysAgo(9) })],
    lacks: [],
  },
  {
    rule: 'aws-image-unused',
    finds: [
      image({
        id: 'ami-unused',
        cost: usd({}),
        configuration: { SnapshotIds: ['snap-of-unused'], LastLaunchedTime: daysAgo(120) },
      }),
      image({ id: 'ami-shared', configuration: { SnapshotIds: ['snap-shared'], LastLaunchedTime: daysAgo(120) } }),
    ],
    leaves: [
      image({ id: 'ami-used' }),
      image({ id: 'ami-launched', configuration: { LastLaunchedTime: daysAgo(8) } }),
      image({ id: 'ami-lifecycle', tags: { 'aws:dlm:lifecycle-policy-id': 'policy-1' } }),
      image({ id: 'ami-backup', tags: { 'aws:backup:source-resource': 'x' } }),
      image({ id: 'ami-public', configuration: { Public: true } }),
    ],
    lacks: [image({ id: 'ami-ageless', ...ageless })],
    beside: [
      snapshot({ id: 'arn:snap-of-unused', aliases: ['snap-of-unused'] }),
      snapshot({ id: 'snap-shared', attachedTo: 'vol-shared' }),
      snapshot({ id: 'snap-shared-new', attachedTo: 'vol-shared', createdAt: daysAgo(20) }),
      some('aws', 'instance')({ id: 'i-of-image', status: 'running', configuration: { ImageId: 'ami-used' } }),
    ],
  },
  {
    rule: 'gcp-image-old',
    finds: [gcpImage({ id: 'image-old' })],
    leaves: [gcpImage({ id: 'image-new', createdAt: daysAgo(30) })],
    lacks: [gcpImage({ id: 'image-ageless', ...ageless })],
  },
  {
    rule: 'aws-bucket-no-lifecycle',
    finds: [
      bucket({ id: 'bucket-plain', configuration: { ...sizes, LifecycleRules: [] } }),
      bucket({
        id: 'bucket-part',
        configuration: { ...sizes, LifecycleRules: [{ ...enabled, Expiration: { Days: 30 }, IsForAll: false }] },
      }),
      bucket({
        id: 'bucket-marks',
        configuration: {
          ...sizes,
          LifecycleRules: [{ ...enabled, Expiration: { ExpiredObjectDeleteMarker: true }, IsForAll: true }],
        },
      }),
    ],
    leaves: [
      bucket({
        id: 'bucket-ruled',
        configuration: { ...sizes, LifecycleRules: [{ ...enabled, Expiration: { Days: 30 } }] },
      }),
      bucket({
        id: 'bucket-ruled-also',
        configuration: {
          ...sizes,
          LifecycleRules: [
            { ...enabled, Expiration: { Days: 30 }, IsForAll: false },
            { ...enabled, Transitions: [{ Days: 0, StorageClass: 'INTELLIGENT_TIERING' }], IsForAll: true },
          ],
        },
      }),
      bucket({ id: 'bucket-small', configuration: { BucketSizeBytes: { StandardStorage: 1e9 }, LifecycleRules: [] } }),
    ],
    lacks: [
      bucket({ id: 'bucket-denied', configuration: sizes }),
      bucket({ id: 'bucket-sizeless', configuration: { LifecycleRules: [] } }),
    ],
  },
  {
    rule: 'aws-bucket-incomplete-uploads',
    finds: [
      bucket({
        id: 'bucket-uploads',
        configuration: {
          ...sizes,
          LifecycleRules: [
            { Status: 'Disabled', AbortIncompleteMultipartUpload: {} },
            { Status: 'Enabled', Expiration: { Days: 30 } },
            { Status: 'Enabled', Transitions: [] },
          ],
        },
      }),
      bucket({
        id: 'bucket-uploads-part',
        configuration: {
          ...sizes,
          LifecycleRules: [{ ...enabled, AbortIncompleteMultipartUpload: {}, IsForAll: false }],
        },
      }),
    ],
    leaves: [
      bucket({ id: 'bucket-byte', configuration: { BucketSizeBytes: { StandardStorage: 1 }, LifecycleRules: [] } }),
      bucket({
        id: 'bucket-clean',
        configuration: {
          LifecycleRules: [{ Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }],
        },
      }),
    ],
    lacks: [
      bucket({ id: 'bucket-untold', configuration: sizes }),
      bucket({ id: 'bucket-unmeasured', configuration: { LifecycleRules: [] } }),
    ],
  },
  {
    rule: 'aws-log-group-no-retention',
    finds: [logs({ id: 'logs-kept', createdAt: daysAgo(900) })],
    leaves: [
      logs({ id: 'logs-ended', configuration: { retentionInDays: 30 } }),
      logs({ id: 'logs-small', sizeGb: 0.1 }),
      logs({ id: 'logs-young', createdAt: daysAgo(60) }),
    ],
    lacks: [logs({ id: 'logs-ageless', ...ageless })],
  },
]
