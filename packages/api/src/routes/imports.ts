import * as z from 'zod'
import { Import, Imports } from '@cloudoptima/core'
import { listOf } from '../examples.ts'
import { del, get, post, type Route } from '../route.ts'

const Delivery = z.object({
  ...Import.Info.pick({
    id: true,
    status: true,
    createdAt: true,
    startedAt: true,
    endedAt: true,
    replace: true,
    progress: true,
    changes: true,
    lakeVersion: true,
    reason: true,
    origin: true,
    notes: true,
  }).shape,
  files: z.array(Import.File.omit({ parts: true, encoding: true })),
})

const Listed = Delivery.omit({ changes: true, files: true, notes: true }).extend({
  fileCount: z.int(),
  bytes: z.int(),
  rows: z.int(),
})

const Announced = Delivery.extend(Imports.Uploads.shape)

const id = 'imp_01jf3m8x5cq2w7n4t6v9b0d1e2'
const exampleFile = { name: 'focus.csv.gz', bytes: 310_452 }
const running = { status: 'running', progress: { phase: 'normalize', percent: 62, rows: 620 } }
const announced = {
  id,
  status: 'uploading',
  created_at: '2026-11-23T08:00:00.000Z',
  replace: false,
  files: [exampleFile],
}
const done = {
  ...announced,
  status: 'committed',
  started_at: '2026-11-23T08:00:09.000Z',
  ended_at: '2026-11-23T08:00:12.000Z',
  files: [
    {
      ...exampleFile,
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      format: 'focus-1.2',
      rows: 1000,
      periods: ['2024-09'],
    },
  ],
  changes: [
    {
      partition: 'AWS/1234567890123/2024-09',
      version: 1,
      rows: 334,
      after: [{ currency: 'USD', billed: '18.0066386184', effective: '20.1', list: '25', contracted: '21' }],
    },
  ],
  lake_version: 1,
}
const { changes: _, files: __, ...rest } = done
const listed = { ...rest, file_count: 1, bytes: exampleFile.bytes, rows: 1000 }

export const imports: readonly Route[] = [
  post('/v1/imports', Imports.create, {
    summary: 'Announce a delivery of bills',
    description:
      'Returns the upload URLs. Cut each file into parts of `part_bytes` bytes, PUT part n to ' +
      '`uploads[].urls[n]`, then start the import. If you send the SHA-256 of every file, a delivery that is ' +
      'already in the lake needs no upload. Of several runs of one export, the newest counts, if their manifests are ' +
      'among the files. Without manifests, the import is refused and names the runs. Beyond a quota of the tier ' +
      '(`usage` of `GET /v1/organization`): 409, or 429 for the bytes of a day. A user needs a confirmed e-mail ' +
      'address (409).',
    answer: Announced,
    status: 201,
    idempotency: 'rerun',
    request: { files: [exampleFile], replace: false },
    response: {
      ...announced,
      part_bytes: 8_388_608,
      uploads: [
        {
          name: exampleFile.name,
          part_bytes: 8_388_608,
          urls: ['https://uploads.example.com/uploads/0/00000?signature=...'],
        },
      ],
    },
  }),
  get('/v1/imports', Imports.list, {
    summary: 'List the deliveries, newest first',
    description: 'With the sums of the files. `GET /v1/imports/{id}` returns `files` and `changes`.',
    ...listOf({ imports: z.array(Listed) }, { imports: [listed] }),
  }),
  get('/v1/imports/{id}', Imports.get, {
    summary: 'Get a delivery with its progress and result',
    description:
      '`committed`, `unchanged`, `refused`, `failed` and `canceled` are final. `reason` explains a refusal; the ' +
      'former figures stay visible.',
    answer: Delivery,
    request: { id },
    response: done,
  }),
  post('/v1/imports/{id}/start', Imports.start, {
    summary: 'Start an import after its upload',
    description:
      'A second start changes nothing. 409 lists the parts that are missing or have another size than announced, ' +
      'or says that enough deliveries of the organization are running. From here on the upload URLs change nothing.',
    answer: Delivery,
    status: 202,
    request: { id },
    response: { ...announced, ...running },
  }),
  del('/v1/imports/{id}', Imports.cancel, {
    summary: 'Cancel an import',
    description:
      'Stops it and removes its bytes; nothing of it becomes visible. A second cancellation changes nothing. 409 ' +
      'says that the import has ended, or is being committed.',
    answer: Delivery,
    faults: ['conflict'],
    request: { id },
    response: { ...announced, status: 'canceled', ended_at: '2026-11-23T08:00:12.000Z' },
  }),
]
