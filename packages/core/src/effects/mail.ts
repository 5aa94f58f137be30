declare module './tables.ts' {
  interface Tables {
    /** Mails that one machine keeps instead of sending them. */
    mails: Table<KeptMessage>
  }
}

export interface Mail {
  /** Hands one message over for delivery. Throws Fault `unavailable` when it is not taken. */
  send(message: Message): Promise<void>
}

/** A mail of plain text to one person. */
export interface Message {
  to: string
  subject: string
  text: string
}

/** A message in the outbox of one machine. */
export interface KeptMessage extends Message {
  id: string
  at: string
  /** Seconds since 1970. */
  expiresAt: number
}
