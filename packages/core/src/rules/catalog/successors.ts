type Table = ReadonlyMap<string, string>

/** Pairs with commas between: `m3 m5, mysql 5.7 2024-02-29`. The last word is the value. */
function table(text: string): Table {
  return new Map(
    text.split(', ').map((pair): [string, string] => {
      const end = pair.lastIndexOf(' ')
      return [pair.slice(0, end), pair.slice(end + 1)]
    }),
  )
}

/** Newer families at the same size, which cost no more: https://aws.amazon.com/ec2/previous-generation/ */
export const successors: Table = table(
  't1 t3, t2 t3, m1 m5, m2 r5, m3 m5, m4 m6i, c1 c5, c3 c5, c4 c6i, r3 r5, r4 r6i, i2 i3, d2 d3',
)

/** The family with Graviton processors: https://github.com/aws/aws-graviton-getting-started */
export const gravitons: Table = table(
  't2 t4g, t3 t4g, t3a t4g, m5 m7g, m5a m7g, m6i m7g, m6a m7g, m7i m7g, m7a m7g, m5d m7gd, m6id m7gd, c5 c7g, ' +
    'c5a c7g, c6i c7g, c6a c7g, c7i c7g, c7a c7g, c5d c7gd, c6id c7gd, r5 r7g, r5a r7g, r6i r7g, r6a r7g, r7i r7g, ' +
    'r7a r7g, r5d r7gd, r6id r7gd',
)

/**
 * The last day of standard support by engine and major version:
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/extended-support.html
 */
export const supportedUntil: Table = table(
  'mysql 5.7 2024-02-29, mysql 8.0 2026-07-31, postgres 11 2024-02-29, postgres 12 2025-02-28, postgres 13 2026-02-28, ' +
    'aurora-mysql 5.7 2024-10-31, aurora-postgresql 11 2024-02-29, aurora-postgresql 12 2025-02-28, ' +
    'aurora-postgresql 13 2026-02-28',
)
