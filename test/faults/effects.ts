import type { Runtime, Table } from '@cloudoptima/core'

/** Told before and after every effect on the outside; `n` counts from 1. */
export type Watcher = (moment: 'before' | 'after', n: number, name: string) => void

/** The same runtime, whose effects are watched. Reads are no effects. */
export function watchEffects(runtime: Runtime, watcher: Watcher): Runtime {
  let count = 0
  const around = async (name: string, act: () => Promise<unknown>): Promise<unknown> => {
    const n = ++count
    watcher('before', n, name)
    const result = await act()
    watcher('after', n, name)
    return result
  }
  const watched = <Noun extends object>(noun: string, target: Noun, verbs: readonly (keyof Noun & string)[]): Noun => {
    const changed = verbs.map((verb) => {
      const act = target[verb] as (...input: unknown[]) => Promise<unknown>
      return [verb, async (...input: unknown[]) => await around(`${noun}.${verb}`, async () => await act(...input))]
    })
    return { ...target, ...Object.fromEntries(changed) }
  }
  const table = <Item extends { id: string }>(noun: string, target: Table<Item>) => watched(noun, target, ['insert', 'put', 'replace', 'remove'])
  const { imports, heads, partitions, snapshots, executions, idempotency } = runtime.tables
  return {
    ...runtime,
    tables: {
      imports: table('imports', imports),
      heads: table('heads', heads),
      partitions: table('partitions', partitions),
      snapshots: table('snapshots', snapshots),
      executions: table('executions', executions),
      idempotency: table('idempotency', idempotency),
    },
    blobs: watched('blobs', runtime.blobs, ['put', 'putFile', 'remove']),
    bus: watched('bus', runtime.bus, ['publish']),
  }
}
