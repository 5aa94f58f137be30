import { Id, type KeptMessage, type Mail, type Table } from '@cloudoptima/core'
import { checkMessage } from '@cloudoptima/runtime'

/** Mail of this machine: it is kept where its reader can look, and sent to nobody. */
export interface Outbox extends Mail {
  /** The newest first. */
  list(): Promise<KeptMessage[]>
  /** Hears of each message that this process keeps from now on. */
  onMail(listener: (message: KeptMessage) => void): void
}

/** The outbox belongs to the machine, not to an organization: an address may have several. */
const owner = 'machine'
const keptSeconds = 30 * 24 * 3600

/** Keeps messages in a table for 30 days. */
export function createOutbox(table: Table<KeptMessage>, now = () => new Date()): Outbox {
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
