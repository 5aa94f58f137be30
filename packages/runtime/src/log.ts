import type { Log } from '@cloudoptima/core'

type Level = keyof Log

/** What may be logged. A field that is not named here is left out, so a secret cannot slip in with an object. */
const allowed = new Set(
  `requestId orgId actor userId sessionId keyId address permission action importId snapshotId executionId eventId event workflow state function
  provider period partition format version lakeVersion outcome status code reason method path operation
  queue messageId rows bytes files parts partitions count attempt attempts durationMs waitMs error`.split(/\s+/),
)

/** One line of JSON for each message; `bound` fields are on every line. */
export function createLog(
  bound: Record<string, unknown> = {},
  write: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): Log {
  const at =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      const line: Record<string, unknown> = { level, time: new Date().toISOString(), message }
      const omitted = new Set<string>()
      // Every request writes a line: no arrays of pairs are made on the way.
      for (const given of [bound, fields]) {
        for (const name of Object.keys(given)) {
          const value = given[name]
          if (value === undefined) continue
          if (allowed.has(name)) line[name] = plain(value)
          else omitted.add(name)
        }
      }
      write(JSON.stringify(omitted.size === 0 ? line : { ...line, omitted: [...omitted] }))
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** An error as text and stack; objects are not looked into, because their fields are not on the list. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack }
  if (Array.isArray(value)) return value.map((each) => (typeof each === 'object' ? '[object]' : each))
  return typeof value === 'object' && value !== null ? '[object]' : value
}
