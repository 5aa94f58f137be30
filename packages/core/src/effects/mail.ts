declare module './tables.ts' {
  interface Tables {
    /** Stored by one machine instead of sent. */
    mails: Table<KeptMessage>
  }
}

export interface Mail {
  /** Throws Fault `unavailable`. */
  send(message: Message): Promise<void>
}

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
