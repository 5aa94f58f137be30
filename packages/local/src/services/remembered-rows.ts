/** Reads of rows of one noun, remembered until any process of the machine writes such a row. */
export interface RememberedRows {
  over<Item>(get: Get<Item>): Get<Item>
  /** A write begins; the result is to be called before or when its answer leaves. */
  write(): () => void
}

type Get<Item> = (orgId: string, id: string) => Promise<Item | undefined>

const most = 1_000

export function rememberedRows(): RememberedRows {
  const rows = new Map<string, unknown>()
  let writing = 0
  // A read that overlaps a write may have the old row, so it is not remembered.
  let generation = 0
  const forget = () => {
    generation++
    rows.clear()
  }
  return {
    over: (get) => async (orgId, id) => {
      const key = JSON.stringify([orgId, id])
      if (rows.has(key)) return rows.get(key) as Awaited<ReturnType<typeof get>>
      const began = generation
      const row = await get(orgId, id)
      if (writing > 0 || began !== generation) return row
      if (rows.size >= most) rows.clear()
      rows.set(key, row)
      return row
    },
    write() {
      writing++
      forget()
      return () => {
        writing--
        forget()
      }
    },
  }
}
