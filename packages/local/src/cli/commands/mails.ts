import { withProduct, type CommonOptions } from '../options.ts'
import { oneLine, show, heading, instant } from '../output.ts'

const maxMails = 20

export async function mails({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async ({ services }) => {
    const kept = await services.mails.list()
    const shown = kept
      .slice(0, maxMails)
      .map(({ at, to, subject, text }) => `${heading(oneLine(`${instant(at)}  to ${to}  ${subject}`))}\n${text}`)
    return show(
      json,
      { mails: kept },
      shown.join('\n') || 'There is no mail yet. Registrations, invitations and password resets send mails.',
    )
  })
}
