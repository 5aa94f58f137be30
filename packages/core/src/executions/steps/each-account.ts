import type { Unreachable } from '../reach.ts'
import { type Fault, isFault } from '../../kernel/fault.ts'
import type * as Target from '../target.ts'

const atOnce = 10
/** Before each further attempt. */
const pausesMs = [5000, 15_000]

type OfAccount = Pick<Target.Info, 'provider' | 'accountId'>

/**
 * The answer for each target, ten at once. An account that does not answer to three attempts is asked no more, and the
 * answer for its targets is the reason. If no account answers, the last Fault is thrown, so that the step is repeated.
 */
export async function answersOf<Item extends OfAccount, Answer extends object>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<(Answer | Unreachable)[]> {
  const silent = new Map<string, Fault>()
  const answers = new Map<Item, Answer>()
  const rest = items.values()
  const work = async () => {
    for (const item of rest) {
      const answer = await attempted(item, ask, silent)
      if (answer) answers.set(item, answer)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const [last] = [...silent.values()].slice(-1)
  if (last && answers.size === 0) throw last
  return items.map((item) => answers.get(item) ?? { unreachable: silenceOf(item, silent) })
}

const keyOf = ({ provider, accountId }: OfAccount) => `${provider}/${accountId}`

const silenceOf = (item: OfAccount, silent: ReadonlyMap<string, Fault>): string =>
  `The account ${item.accountId} does not answer: ${silent.get(keyOf(item))?.message ?? ''}`

async function attempted<Item extends OfAccount, Answer>(
  item: Item,
  ask: (item: Item) => Promise<Answer>,
  silent: Map<string, Fault>,
): Promise<Answer | undefined> {
  for (const pauseMs of [...pausesMs, undefined]) {
    if (silent.has(keyOf(item))) return undefined
    try {
      return await ask(item)
    } catch (error) {
      if (!isFault(error, 'unavailable') && !isFault(error, 'rate_limited')) throw error
      if (pauseMs === undefined) silent.set(keyOf(item), error)
      else await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  return undefined
}
