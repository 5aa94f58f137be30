import { withProduct } from '../open.ts'
import { heading } from '../text.ts'

const maxMails = 20

export async function mails({ data, json }: { data: string; json?: boolean }): Promise<number> {
  return await withProduct(data, async ({ services }) => {
    const kept = await services.mails.list()
    if (json) process.stdout.write(`${JSON.stringify({ mails: kept })}\n`)
    else if (kept.length === 0)
      process.stdout.write('There is no mail yet. Registrations, invitations and password resets send mails.\n')
    else
      process.stdout.write(
        `${kept
          .slice(0, maxMails)
          .map(
            ({ at, to, subject, text }) =>
              `${heading(`${at.slice(0, 19).replace('T', ' ')}  to ${to}  ${subject}`)}\n${text}`,
          )
          .join('\n')}\n`,
      )
    return 0
  })
}
