declare module './tables.ts' {
  interface Tables {
    /** Mails that one machine stores instead of sending. */
    mails: Table<KeptMessage>
  }
}

export interface Mail {
  /** Throws Fault `unavailable` if the message is not accepted. */
  send(message: Message): Promise<void>
}

/** A plain-text mail. */
export interface Message {
  to: string
  subject: string
  text: string
}

export interface KeptMessage extends Message {
  id: string
  at: string
  expiresAt: number
}
