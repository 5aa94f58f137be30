import type { Log } from '@cloudoptima/core'

type Level = keyof Log

/** Fields that may be logged, so that no secret gets into the log with an object. */
const allowed = new Set(
  `requestId orgId actor userId sessionId keyId address permission action importId snapshotId executionId
    eventId event workflow state function provider period partition format version lakeVersion outcome status
    code reason method path operation queue messageId rows bytes files parts partitions count attempt attempts
    durationMs waitMs error`.split(/\s+/),
)

export type Emit = (level: Level, message: string, fields: Record<string, unknown>) => void

/** `bound` fields are on every message. */
export function filteredLog(bound: Record<string, unknown>, emit: Emit): Log {
  const at =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      const line: Record<string, unknown> = {}
      let omitted: Set<string> | undefined
      // Object.entries() would allocate arrays for each line of each request.
      for (const given of [bound, fields]) {
        for (const name of Object.keys(given)) {
          const value = given[name]
          if (value === undefined) continue
          if (allowed.has(name)) line[name] = plain(value)
          else (omitted ??= new Set()).add(name)
        }
      }
      if (omitted) line['omitted'] = [...omitted]
      emit(level, message, line)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

export function createLog(
  bound: Record<string, unknown> = {},
  write: (line: string, level: Level) => void = (line) => void process.stdout.write(`${line}\n`),
): Log {
  return filteredLog(bound, (level, message, fields) => {
    const start = `{"level":"${level}","time":"${new Date().toISOString()}","message":${JSON.stringify(message)}`
    const rest = JSON.stringify(fields)
    write(rest === '{}' ? `${start}}` : `${start},${rest.slice(1)}`, level)
  })
}

/** Errors become name, message and stack. Other objects are hidden, because their fields are not checked. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack }
  if (Array.isArray(value)) return value.map((each) => (typeof each === 'object' ? '[object]' : each))
  return typeof value === 'object' && value !== null ? '[object]' : value
}
