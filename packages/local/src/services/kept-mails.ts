import { Id, type KeptMessage, type Mail, type Table } from '@cloudoptima/core'
import { checkMessage } from '@cloudoptima/runtime'

/** Sends no mail. */
export interface KeptMails extends Mail {
  /** The newest first. */
  list(): Promise<KeptMessage[]>
  onMail(listener: (message: KeptMessage) => void): void
}

/** One address may belong to several organizations. */
const owner = 'machine'
const keptSeconds = 30 * 24 * 3600

export function keptMails(table: Table<KeptMessage>, now = () => new Date()): KeptMails {
  const listeners: ((message: KeptMessage) => void)[] = []
  return {
    async send(message) {
      checkMessage(message)
      const { to, subject, text } = message
      const expiresAt = Math.floor(now().getTime() / 1000) + keptSeconds
      const kept = { id: Id.create('mail', now()), to, subject, text, at: now().toISOString(), expiresAt }
      await table.insert(owner, kept)
      for (const listener of listeners) listener(kept)
    },
    list: async () => (await table.all(owner)).reverse(),
    onMail: (listener) => void listeners.push(listener),
  }
}
