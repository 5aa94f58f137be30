const [lf, cr] = [0x0a, 0x0d]

/**
 * Tells whether a CSV is one that every reader understands alike: one kind of line end (LF or CR LF), and no backslash
 * before a quote. `push` takes the bytes of the file in order; `found` has the number of its lines too.
 */
export function watchRegularity(): { push(chunk: Uint8Array): void; found(): { isRegular: boolean; lines: number } } {
  let last = 0
  let [lfs, crs, pairs] = [0, 0, 0]
  let hasEscape = false
  return {
    push(bytes) {
      if (bytes.length === 0) return
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      hasEscape ||= chunk.includes('\\"') || (last === 0x5c && chunk[0] === 0x22)
      for (let at = chunk.indexOf(cr); at >= 0; at = chunk.indexOf(cr, at + 1)) crs++
      for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1)) {
        lfs++
        if ((at === 0 ? last : chunk[at - 1]) === cr) pairs++
      }
      last = chunk.at(-1) ?? last
    },
    found: () => ({
      isRegular: !hasEscape && (crs === 0 || (crs === pairs && lfs === pairs)),
      lines: lfs + (last === lf ? 0 : 1),
    }),
  }
}
