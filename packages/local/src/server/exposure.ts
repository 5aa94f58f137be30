import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { HttpBindings } from '@hono/node-server'
import { Fault } from '@cloudoptima/core'
import type { Context as Call } from 'hono'
import proxyAddr from 'proxy-addr'

export interface Exposure {
  host?: string | undefined
  /** The URL of the proxy before the API, such as `https://costs.example.com`. */
  publicUrl?: string | undefined
  /** Addresses and networks whose `X-Forwarded-For` is trusted; `loopback` is this machine. */
  trustProxy?: readonly string[] | undefined
}

export interface ListenOptions extends Exposure {
  port: number
  orFreePort: boolean
}

export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address)
}

export function isLoopbackOnly({ host, publicUrl }: Exposure): boolean {
  return publicUrl === undefined && isLoopbackHost(host)
}

export function isLoopbackHost(host: string | undefined): boolean {
  return host === undefined || host === 'localhost' || isLoopback(host)
}

export function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && ['http:', 'https:'].includes(parsed.protocol) && parsed.href === `${parsed.origin}/`)
    return parsed.origin
  throw new Fault(
    'invalid',
    `${url} is not the URL of an API. Write it without path and user, as https://costs.example.com`,
  )
}

/** A proxy may run on this machine too, so forwarded requests do not count. */
export function isFromThisMachine({ publicUrl }: Exposure, c: Call): boolean {
  const isPassedOn = c.req.header('X-Forwarded-For') !== undefined || c.req.header('Forwarded') !== undefined
  const isPublic = publicUrl !== undefined && new URL(c.req.url).hostname === new URL(publicUrl).hostname
  return isLoopback(getConnInfo(c).remote.address) && !isPassedOn && !isPublic
}

/** The peer, or the address that trusted proxies name; undefined if that is none. */
export function callerReader({ trustProxy = [] }: Exposure): (c: Call) => string | undefined {
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

/** Some proxies append the port. */
function withoutPort(address: string) {
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
      `--trust-proxy is invalid: ${error.message}. Name an address, a network (10.0.0.0/8), or loopback.`,
    )
  }
}
