/** Values on one side of the level from before them: what was usual, and how much more there was. */
export interface Run {
  side: number
  steps: number
  excess: number[]
  usual: number[]
  seen: { step: number; value: number }[]
  hasAlarm: boolean
}
export const emptyRun = (): Run => ({ side: 0, steps: 0, excess: [], usual: [], seen: [], hasAlarm: false })

/** New values as a multiple of the usual ones, at least 0; undefined if a sum explains a run much better. */
export function growthOf({ excess, usual }: Run): number | undefined {
  const product = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)
  const mean = meanOf(excess)
  const share = product(excess, usual) / product(usual, usual)
  const missed = (of: (i: number) => number) => excess.reduce((sum, value, i) => sum + (value - of(i)) ** 2, 0)
  // Half: a run may begin with values of the old level, which neither explains.
  if (missed(() => mean) < missed((i) => share * (usual[i] ?? 0)) / 2) return undefined
  const late = excess.length / 2
  const ratio = 1 + product(excess.slice(late), usual.slice(late)) / product(usual.slice(late), usual.slice(late))
  return Number.isFinite(ratio) ? Math.max(0, ratio) : undefined
}

const anotherRatio = 5

/** The old level is so small beside the new one that it tells nothing about its season and its noise. */
export function isAnother({ usual, seen }: Run): boolean {
  return Math.abs(meanOf(seen.map(({ value }) => value))) > anotherRatio * Math.abs(meanOf(usual))
}

/** The level from before a shift. */
export interface Former {
  at: (step: number) => number
  /** The season and the errors of it. */
  restore: () => void
  until: number
}

export const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
