import type { IncomingMessage } from 'node:http'
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

/** Where the API listens, and what stands before it. */
export interface Listening extends Facing {
  port: number
  /** Takes a free port where `port` is in use, instead of failing. */
  orFreePort: boolean
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
  if (parsed && ['http:', 'https:'].includes(parsed.protocol) && parsed.href === `${parsed.origin}/`)
    return parsed.origin
  throw new Fault(
    'invalid',
    `${url} is not where an API can be reached. Write it as https://costs.example.com: no path, no user.`,
  )
}

/** Whether somebody on this machine asks, and asks us themselves: not through a proxy, which is on this machine too. */
export function isFromHere({ publicUrl }: Facing, c: Call): boolean {
  const isPassedOn = c.req.header('X-Forwarded-For') !== undefined || c.req.header('Forwarded') !== undefined
  const isPublic = publicUrl !== undefined && new URL(c.req.url).hostname === new URL(publicUrl).hostname
  return isLoopback(getConnInfo(c).remote.address) && !isPassedOn && !isPublic
}

/**
 * Reads whom a request comes from: who connects, or whom the trusted proxies on the way name, the nearest first; undefined where what they name is no address. What
 * anybody else writes into the header is not believed. Throws Fault `invalid` for what is no address of a proxy.
 */
export function callerOf({ trustProxy = [] }: Facing): (c: Call) => string | undefined {
  const isTrusted = compiled(trustProxy)
  return (c) => {
    if (trustProxy.length === 0) return getConnInfo(c).remote.address
    const { socket, headers } = (c.env as HttpBindings).incoming
    const given = headers['x-forwarded-for']
    const names = given === undefined ? {} : { 'x-forwarded-for': String(given).split(',').map(withoutPort).join(',') }
    const named = proxyAddr({ socket, headers: names } as unknown as IncomingMessage, isTrusted)
    return isIP(named) === 0 ? undefined : named
  }
}

/** Some proxies write the port behind the address. */
function withoutPort(address: string): string {
  const [, v6, v4] = /^\s*(?:\[([\da-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)\s*$/i.exec(address) ?? []
  return v6 ?? v4 ?? address
}

function compiled(proxies: readonly string[]): ReturnType<typeof proxyAddr.compile> {
  try {
    return proxyAddr.compile([...proxies])
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Fault(
      'invalid',
      `No proxy can be trusted like this: ${error.message}. Name an address, a network (10.0.0.0/8), or loopback.`,
    )
  }
}
