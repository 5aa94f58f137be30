import { lookup as lookupName, type LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { Fault } from '@cloudoptima/core'
import { Agent, fetch, type RequestInit } from 'undici'

export type GuardedFetch = (
  url: string | URL,
  init?: Pick<RequestInit, 'method' | 'headers' | 'body' | 'signal'>,
) => Promise<Response>

export interface GuardOptions {
  /** Allows loopback addresses without TLS; for one machine and tests only. */
  allowLoopback?: boolean
  timeoutMs?: number
  maxBytes?: number
  lookup?: (
    hostname: string,
    options: { all: true },
    done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
  ) => void
}

/** IANA IPv4 Special-Purpose Address Registry. */
const reserved4 =
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
  192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`.split(/\s+/)
/** Tunnels to IPv4 (Teredo, 6to4) and reserved networks in 2000::/3; all other IPv6 is refused anyway. */
const reserved6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
const publicIpv6 = listOf(['2000::/3'])
const reserved = listOf([...reserved4, ...reserved6])
const loopback = listOf(['127.0.0.0/8', '::1/128'])

/**
 * Against SSRF: public https only, no redirects. It checks the connected address (DNS rebinding); throws Fault
 * `invalid`, `unavailable`.
 */
export function createGuardedFetch(options: GuardOptions = {}): GuardedFetch {
  const { allowLoopback = false, timeoutMs = 5_000, maxBytes = 1024 * 1024, lookup = lookupName } = options
  const isAllowed = (address: string) => isPublic(address) || (allowLoopback && isIn(loopback, address))
  const dispatcher = new Agent({ connect: { lookup: guardedLookup(lookup, isAllowed), timeout: timeoutMs } })
  return async (address, init = {}) => {
    const url = parsed(address)
    refuseForbidden(url, allowLoopback, isAllowed)
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(init.signal ? [init.signal] : [])])
    try {
      const answer = await fetch(url, { ...init, signal, redirect: 'error', dispatcher })
      const body = await readAll(answer.body, maxBytes)
      const hasNone = [101, 204, 205, 304].includes(answer.status)
      return new Response(hasNone ? null : body, {
        status: answer.status,
        statusText: answer.statusText,
        headers: [...answer.headers],
      })
    } catch (error) {
      throw faultOf(error) ?? new Fault('unavailable', `${url.origin} does not answer correctly. Try again later.`)
    }
  }
}

export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error
  return error instanceof Error ? faultOf(error.cause) : undefined
}

function parsed(address: string | URL): URL {
  const url = URL.parse(String(address))
  if (!url) throw new Fault('invalid', 'The URL is not valid. Use an https URL.')
  return url
}

function refuseForbidden(url: URL, allowLoopback: boolean, isAllowed: (address: string) => boolean) {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isHere = host === 'localhost' || isIn(loopback, host)
  if (url.protocol !== 'https:' && !(allowLoopback && url.protocol === 'http:' && isHere))
    throw new Fault('invalid', `${url.origin} is refused: use https.`)
  if (url.username || url.password)
    throw new Fault('invalid', `${url.origin} is refused: remove the user name and password from the URL.`)
  // guardedLookup never sees a literal address.
  if (isIP(host) && !isAllowed(host)) throw notPublic(host)
}

function guardedLookup(
  lookup: NonNullable<GuardOptions['lookup']>,
  isAllowed: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || !first) return done(error ?? new Error(`${hostname} has no address`), [])
      if (!addresses.every(({ address }) => isAllowed(address))) return done(notPublic(hostname), [])
      return options.all ? done(null, addresses) : done(null, first.address, first.family)
    })
  }
}

function notPublic(host: string) {
  return new Fault('invalid', `${host} is refused: it is not on the public internet.`)
}

export function isPublic(address: string): boolean {
  if (isIn(reserved, address)) return false
  return isIP(address) === 4 || isIn(publicIpv6, address)
}

function isIn(list: BlockList, address: string) {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}

async function readAll(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`The answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
