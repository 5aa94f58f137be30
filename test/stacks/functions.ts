import { rowsOf, wiring } from '@cloudoptima/core'

/** The names of all functions: those of the wiring table, the two of the API, and the rotation of the signing keys. */
export const functionNames = [
  ...rowsOf(wiring).map(({ id }) => id),
  'Requests',
  'Query',
  'RotateKeys',
  'SetTier',
].toSorted()
