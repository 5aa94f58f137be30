import { SendEmailCommand, SESv2Client, SESv2ServiceException, type SESv2ClientConfig } from '@aws-sdk/client-sesv2'
import { Fault, type Mail } from '@cloudoptima/core'
import { checkMessage } from '../message.ts'

const Charset = 'UTF-8'

/** Throws Fault `unavailable`. */
export function createMail(config: SESv2ClientConfig, from: string): Mail {
  const client = new SESv2Client(config)
  return {
    async send(message) {
      checkMessage(message)
      const Simple = { Subject: { Data: message.subject, Charset }, Body: { Text: { Data: message.text, Charset } } }
      try {
        await client.send(
          new SendEmailCommand({
            FromEmailAddress: from,
            Destination: { ToAddresses: [message.to] },
            Content: { Simple },
          }),
        )
      } catch (error) {
        // The message of the error may contain the address.
        if (error instanceof SESv2ServiceException)
          throw new Fault('unavailable', `SES refused the mail (${error.name}). Try again later.`)
        throw error
      }
    },
  }
}
