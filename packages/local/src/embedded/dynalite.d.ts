declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** DynamoDB over LevelDB; the times simulate table states. */
  export default function dynalite(options: {
    path?: string
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }): Server
}
