import { Identity } from '@cloudoptima/core'
import { publicUrl, subscriber } from './host.ts'

/** Sends what `mail.requested` asks for. */
export const handler = subscriber(
  'mail.requested',
  async (ctx, event) => await Identity.Letters.send(ctx, event, publicUrl()),
)
