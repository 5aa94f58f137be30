import { Fault } from '@cloudoptima/core'
import * as z from 'zod'
import type { GuardedFetch } from './guarded-fetch.ts'

/** A JSON Web Key Set (RFC 7517) with a key that can verify RS256, ES256 or EdDSA. */
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })) })
const usable = new Set(['RSA', 'EC', 'OKP'])

/** Throws Fault `unavailable` for any status but 200, or as the fetch. */
export async function read(fetch: GuardedFetch, uri: string): Promise<ArrayBuffer> {
  const answer = await fetch(uri, { headers: { accept: 'application/json' } })
  if (answer.status !== 200) throw new Fault('unavailable', `${new URL(uri).origin} answered status ${answer.status}.`)
  return await answer.arrayBuffer()
}

export function parsed(document: ArrayBuffer): unknown {
  try {
    return JSON.parse(Buffer.from(document).toString())
  } catch {
    // The caller reports the document as missing.
    return undefined
  }
}

/** Throws Fault `invalid` if the keys of an issuer verify no token, `unavailable` if they cannot be read. */
export async function checkKeys(fetch: GuardedFetch, issuer: string, uri: string | undefined): Promise<void> {
  if (uri === undefined) throw new Fault('invalid', `The discovery document of ${issuer} names no keys.`)
  const found = KeySet.safeParse(parsed(await read(fetch, uri)))
  if (!found.success || !found.data.keys.some(({ kty }) => usable.has(kty)))
    throw new Fault('invalid', `${issuer} publishes no key that can verify a token, at ${uri}.`)
}

/** For an LRUCache that expires by the wall clock: the monotonic clock of a frozen Lambda may stop. */
export const wallClock = { perf: { now: () => Date.now() }, ttlResolution: 0 }
