import { loopsOf, type Runtime, type Table, tableOf, tablesOf } from '@cloudoptima/core'

/** The nth effect of a name such as `imports.replace committed`; a global number would depend on the clock. */
export interface Effect {
  name: string
  nth: number
}

export type Moment = 'before' | 'after'

/** Wraps a runtime and calls `watcher` before and after each write to tables, blobs and bus. */
export function watchEffects(runtime: Runtime, watcher: (moment: Moment, effect: Effect) => void): Runtime {
  const counts = new Map<string, number>()
  const around = async (name: string, act: () => Promise<unknown>): Promise<unknown> => {
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    watcher('before', { name, nth })
    const result = await act()
    watcher('after', { name, nth })
    return result
  }
  const watched = <Noun extends object>(noun: string, target: Noun, verbs: readonly (keyof Noun & string)[]): Noun => {
    const changed = verbs.map((verb) => {
      const act = target[verb] as (...input: unknown[]) => Promise<unknown>
      return [
        verb,
        async (...input: unknown[]) =>
          await around(`${noun}.${verb}${statusOf(input)}`, async () => await act(...input)),
      ]
    })
    const own = Object.fromEntries(changed) as Record<PropertyKey, unknown>
    // A lazy service has no methods to copy.
    return new Proxy(target, { get: (_, name) => own[name] ?? (Reflect.get(target, name) as unknown) })
  }
  const table = <Item extends { id: string }>(noun: string, target: Table<Item>) => {
    const made = watched(noun, target, ['insert', 'put', 'replace', 'rewrite', 'remove', 'acknowledge'])
    return { ...made, ...loopsOf(made) }
  }
  return {
    ...runtime,
    tables: tablesOf((noun) => table(noun, tableOf(runtime.tables, noun))),
    blobs: watched('blobs', runtime.blobs, ['put', 'putFile', 'remove']),
    bus: watched('bus', runtime.bus, ['publish']),
  }
}

/** The status of the written item, as suffix of the effect's name. */
function statusOf([, item]: unknown[]): string {
  return typeof item === 'object' && item !== null && 'status' in item ? ` ${String(item.status)}` : ''
}
