import { Fault, isFault } from '@cloudoptima/core'
import { type AccessTo, unavailable } from '../access/verdict.ts'
import { retried } from './retry.ts'

interface PublicQuestion {
  /** By the cloud's own name, for the ledger. */
  api: string
  /** In messages. */
  cloud: string
}

/**
 * An answer that needs no credentials, and gets none; undefined if there is nothing at the URL. Throws Fault
 * `unavailable`, or `rate_limited`.
 */
export async function publicAnswer(
  url: URL,
  { meter, signal }: Pick<AccessTo<'aws'>, 'meter' | 'signal'>,
  { api, cloud }: PublicQuestion,
): Promise<Response | undefined> {
  const once = async (): Promise<Response | undefined> => {
    await meter.take({ api })
    const response = await fetch(url, { redirect: 'error', signal }).catch((): never => {
      signal.throwIfAborted()
      throw unavailable(cloud, `no answer from ${url.host}`)
    })
    if (response.ok) return response
    await response.body?.cancel()
    if (response.status === 404) return undefined
    if (response.status !== 429) throw unavailable(cloud, `${url.host} answered ${response.status}`)
    const seconds = Number(response.headers.get('retry-after')) || 60
    throw new Fault('rate_limited', `${cloud} limits the calls to ${url.host} for now.`, [], seconds)
  }
  return await retried(once, (error) => isFault(error, 'unavailable'), signal)
}
