const [lf, cr] = [0x0a, 0x0d]

/**
 * Tells whether a CSV is one that every reader understands alike: one kind of line end (LF or CR LF), and no backslash
 * before a quote. `push` takes the bytes of the file in order.
 */
export function watchRegularity(): { push(chunk: Uint8Array): void; isRegular(): boolean } {
  let last = 0
  let [lfs, crs, pairs] = [0, 0, 0]
  let hasEscape = false
  return {
    push(bytes) {
      if (bytes.length === 0) return
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      hasEscape ||= chunk.includes('\\"') || (last === 0x5c && chunk[0] === 0x22)
      // A file without CR needs no count.
      if (crs > 0 || chunk.includes(cr)) {
        for (let at = chunk.indexOf(cr); at >= 0; at = chunk.indexOf(cr, at + 1)) crs++
        for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1)) {
          lfs++
          if ((at === 0 ? last : chunk[at - 1]) === cr) pairs++
        }
      } else if (chunk.includes(lf)) lfs++
      last = chunk.at(-1) ?? last
    },
    isRegular: () => !hasEscape && (crs === 0 || (crs === pairs && lfs === pairs)),
  }
}
