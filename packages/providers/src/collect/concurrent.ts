/** The results of `work` in the order of the items; `most` run at a time. */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  let isOver = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (isOver) return
      results[index] = await work(item)
    }
  }
  const workers = Array.from({ length: Math.min(most, items.length) }, worker)
  try {
    await Promise.all(workers)
    return results
  } finally {
    // After a failure the others end with their current item.
    isOver = true
    await Promise.allSettled(workers)
  }
}

/** The values of all sources as they come; `most` sources are read at a time. */
export async function* merged<Value>(sources: Iterable<AsyncIterable<Value>>, most: number): AsyncGenerator<Value> {
  const waiting = Iterator.from(sources)
  const running = new Map<AsyncIterator<Value>, Promise<[AsyncIterator<Value>, IteratorResult<Value, unknown>]>>()
  const advance = (source: AsyncIterator<Value>): void => {
    running.set(
      source,
      source.next().then((result) => [source, result]),
    )
  }
  const begin = (): void => {
    const { value, done } = waiting.next()
    if (!done) advance(value[Symbol.asyncIterator]())
  }
  for (let count = 0; count < most; count++) begin()
  try {
    while (running.size > 0) {
      const [source, result] = await Promise.race(running.values())
      running.delete(source)
      if (result.done) begin()
      else {
        yield result.value
        advance(source)
      }
    }
  } finally {
    // A failure of one source must not leave the others at work.
    await Promise.allSettled(running.values())
  }
}
