import { writeSync } from 'node:fs'
import { openWorld } from '../world.ts'
import { type Effect, type Moment, watchEffects } from './effects.ts'
import { imports, recorder, recover } from './recover.ts'

/** What the process is to do, as its one argument in JSON. */
export interface Task {
  dataDir: string
  /** Where events are written down. */
  heardPath: string
  paths: string[]
  /** Kill yourself just there. */
  at?: Effect & { moment: Moment }
}

/** What it says, a line each, before it does anything further. */
export type Line = { begin: true } | { head: Moment } | { killedAt: string } | { effects: Effect[] }

const { dataDir, heardPath, paths, at } = JSON.parse(process.argv[2] ?? '') as Task
const say = (line: Line) => void writeSync(1, `${JSON.stringify(line)}\n`)
const effects: Effect[] = []
const complain = (message: string, fields?: Record<string, unknown>) =>
  void writeSync(2, `${message} ${JSON.stringify(fields)}\n`)

say({ begin: true })
const world = await openWorld({
  dataDir,
  onEvent: recorder(heardPath),
  log: { info: () => undefined, warn: complain, error: complain },
  wrap: (runtime) =>
    watchEffects(runtime, (moment, effect) => {
      if (moment === 'before') effects.push(effect)
      if (effect.name === 'heads.replace') say({ head: moment })
      if (at?.name !== effect.name || at.nth !== effect.nth || at.moment !== moment) return
      say({ killedAt: `${moment} ${effect.name}` })
      process.kill(process.pid, 'SIGKILL')
    }),
})
await recover(world)
// The first version's import is one that has landed.
if ((await imports(world, 'committed')).length < 2) await world.bring(paths)
say({ effects })
await world.end()
