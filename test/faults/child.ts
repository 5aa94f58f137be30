import { writeSync } from 'node:fs'
import { openWorld } from '../world.ts'
import { type Effect, type Moment, watchEffects } from './effects.ts'
import { eventRecorder, imports, recover } from './recover.ts'

/** The JSON argument of the importing process. */
export interface Task {
  dataDir: string
  /** File that collects the ids of delivered events. */
  eventLogPath: string
  paths: string[]
  /** Effect at which the process kills itself. */
  at?: Effect & { moment: Moment }
}

/** A line of stdout, written synchronously so that a kill cannot lose it. */
export type Line = { begin: true } | { head: Moment } | { killedAt: string } | { effects: Effect[] }

const { dataDir, eventLogPath, paths, at } = JSON.parse(process.argv[2] ?? '') as Task
const print = (line: Line) => void writeSync(1, `${JSON.stringify(line)}\n`)
const effects: Effect[] = []
const printError = (message: string, fields?: Record<string, unknown>) =>
  void writeSync(2, `${message} ${JSON.stringify(fields)}\n`)

print({ begin: true })
const world = await openWorld({
  dataDir,
  onEvent: eventRecorder(eventLogPath),
  log: { info: () => undefined, warn: printError, error: printError },
  wrap: (runtime) =>
    watchEffects(runtime, (moment, effect) => {
      if (moment === 'before') effects.push(effect)
      if (effect.name === 'heads.replace') print({ head: moment })
      if (at?.name !== effect.name || at.nth !== effect.nth || at.moment !== moment) return
      print({ killedAt: `${moment} ${effect.name}` })
      process.kill(process.pid, 'SIGKILL')
    }),
})
await recover(world)
// The template contains one committed import: version 1.
if ((await imports(world, 'committed')).length < 2) await world.bring(paths)
print({ effects })
await world.end()
