declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** DynamoDB over LevelDB; in memory without `path`. The times simulate table states. */
  export default function dynalite(options: {
    path?: string
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }): Server
}
