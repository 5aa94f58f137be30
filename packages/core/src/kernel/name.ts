import * as z from 'zod'

// JSON Schema readers may not know Unicode classes.
const oneLine = new RegExp(String.raw`^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$`)

/** Safe in mails and logs. */
export const Name = z.string().trim().min(1).max(255).regex(oneLine, 'must be one line without control characters')

export function shortened(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 99)}…`
}

/** For a command on one item. */
export function byId(described: string) {
  return z.strictObject({ id: z.string().min(1).max(128).describe(described) })
}
