import { isIPv4, isIPv6 } from 'node:net'

/** The network that an address belongs to, as far as one caller can have it: the address itself of IPv4, the first 64 bits of IPv6, `unknown` for anything else. */
export function networkOf(address: string | undefined): string {
  const [plain = ''] = (address ?? '').split('%')
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain) ?? []
  if (isIPv4(mapped ?? plain)) return mapped ?? plain
  return isIPv6(plain) ? expanded(plain).slice(0, 4).join(':') : 'unknown'
}

/** The eight groups of an IPv6 address, without leading zeros. */
function expanded(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16).toString(16)))
  const [before, after] = [groups(head), groups(tail ?? '')]
  return tail === undefined ? before : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
}
