import { isIP } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { HttpBindings } from '@hono/node-server'
import { Fault } from '@cloudoptima/core'
import type { Context as Call } from 'hono'
import proxyAddr from 'proxy-addr'

/** How others reach what runs on this machine. */
export interface Facing {
  /** The address that the API listens on; 127.0.0.1 unless told. */
  host?: string | undefined
  /** Where a proxy before it answers, such as `https://costs.example.com`: what mails and sign-ins lead to. */
  publicUrl?: string | undefined
  /** Addresses and networks of the proxies that say truly, in `X-Forwarded-For`, whom they ask for; `loopback` is this machine. */
  trustProxy?: readonly string[] | undefined
}

/** Whether a connection comes from this machine. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address)
}

/** Whether nobody but this machine reaches it. */
export function isOnlyHere({ host, publicUrl }: Facing): boolean {
  return publicUrl === undefined && listensOnlyHere(host)
}

/** Whether no connection comes from elsewhere. */
export function listensOnlyHere(host: string | undefined): boolean {
  return host === undefined || host === 'localhost' || isLoopback(host)
}

/** A URL as it is put before `/v1`. Throws Fault `invalid`. */
export function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && ['http:', 'https:'].includes(parsed.protocol) && parsed.href === `${parsed.origin}/`) return parsed.origin
  throw new Fault('invalid', `${url} is not where an API can be reached. Write it as https://costs.example.com: no path, no user.`)
}

/**
 * Reads whom a request comes from: who connects, or whom the trusted proxies on the way name, the nearest first. What anybody else writes into the header is not
 * believed. Throws Fault `invalid` for what is no address.
 */
export function callerOf({ trustProxy = [] }: Facing): (c: Call) => string | undefined {
  const isTrusted = compiled(trustProxy)
  return (c) => {
    const connected = getConnInfo(c).remote.address
    if (trustProxy.length === 0) return connected
    const named = proxyAddr((c.env as HttpBindings).incoming, isTrusted)
    return isIP(named) === 0 ? connected : named
  }
}

function compiled(proxies: readonly string[]): ReturnType<typeof proxyAddr.compile> {
  try {
    return proxyAddr.compile([...proxies])
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Fault('invalid', `No proxy can be trusted like this: ${error.message}. Name an address, a network (10.0.0.0/8), or loopback.`)
  }
}
