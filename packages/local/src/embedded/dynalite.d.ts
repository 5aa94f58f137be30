declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** A DynamoDB over LevelDB; in memory without `path`. The times say how long a table stays in its state. */
  export default function dynalite(options: {
    path?: string
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }): Server
}
