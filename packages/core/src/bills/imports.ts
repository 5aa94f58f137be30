import * as z from 'zod'
import { change, command } from '../guard/command.ts'
import { Fault } from '../kernel/fault.ts'
import * as Import from './import.ts'
import { pageOf } from './import-pages.ts'
import { byId } from '../kernel/name.ts'
import { Page } from '../effects/paged.ts'
import * as User from '../identity/people/user.ts'
import { urls as urlsOf } from './import-uploads.ts'
import * as Raw from './raw.ts'

export const Uploads = z.object({
  partBytes: z.int().describe('The size of all parts of a file but the last.'),
  uploads: z.array(
    z.object({
      name: z.string(),
      partBytes: z.int(),
      urls: z
        .array(z.string())
        .describe(
          'PUT part number n of the file to URL number n, with its exact size as Content-Length. The URLs work ' +
            'for an hour. Empty if the lake has these bytes already.',
        ),
    }),
  ),
})

export const create = change(
  'imports.create',
  Import.Upload,
  'write:accounts',
  async (ctx, input, note): Promise<Import.Info & z.infer<typeof Uploads>> => {
    const parts = input.files.reduce((count, { bytes }) => count + Math.ceil(bytes / Raw.partBytes), 0)
    if (parts > Import.mostUploadParts) {
      const message =
        `A delivery has at most ${Import.mostUploadParts} parts of ${Raw.partBytes} bytes. Split it by billing ` +
        'period, or compress it.'
      throw new Fault('invalid', message, [{ path: 'files', message }])
    }
    await User.requireVerifiedEmail(ctx)
    const info = await Import.create(ctx, input, ctx.newId('imp'), { isUploaded: true })
    const urls = info.status === 'uploading' ? await urlsOf(ctx, info) : []
    note({ resourceType: 'import', resourceId: info.id, after: { files: info.files.length, status: info.status } })
    return {
      ...info,
      partBytes: Raw.partBytes,
      uploads: info.files.map(({ name }, file) => ({ name, partBytes: Raw.partBytes, urls: urls[file] ?? [] })),
    }
  },
)

const ById = byId("The import's id.")

export const start = change('imports.start', ById, 'write:accounts', async (ctx, { id }, note) => {
  await User.requireVerifiedEmail(ctx)
  const info = await Import.start(ctx, id)
  note({ resourceType: 'import', resourceId: id, after: { status: info.status } })
  return info
})

export const cancel = change('imports.cancel', ById, 'write:accounts', async (ctx, { id }, note) => {
  await User.requireVerifiedEmail(ctx)
  const info = await Import.cancel(ctx, id)
  note({ resourceType: 'import', resourceId: id, after: { status: info.status } })
  return info
})

export const get = command('imports.get', ById, 'read:accounts', (ctx, { id }) => Import.get(ctx, id))

/** The newest first; large changes are left out. */
export const list = command('imports.list', Page, 'read:accounts', pageOf)
