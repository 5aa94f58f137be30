import * as z from 'zod'

// Written for any reader of JSON Schema, which need not know classes of Unicode.
const oneLine = new RegExp(String.raw`^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$`)

/** What people call something: one line of text without control characters, so that it can stand in a mail or a log and stay what it is. */
export const Name = z.string().trim().min(1).max(255).regex(oneLine, 'must be one line without control characters')

/** A name as it stands in a sentence for somebody else. */
export function shortened(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 99)}…`
}
