import { isIPv4, isIPv6 } from 'node:net'

/** The /64 of an IPv6 address is the smallest site (RFC 6177). */
export function networkOf(address: string | undefined): string {
  // A zone (`%eth0`) is local to this machine.
  const [written = ''] = (address ?? '').split('%')
  if (isIPv4(written)) return written
  if (!isIPv6(written)) return 'unknown'
  const groups = groupsOf(written)
  const [high = 0, low = 0] = groups.slice(6)
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
  if (isMapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

function groupsOf(address: string) {
  const [head = [], tail = []] = address.split('::').map(numbersOf)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

function numbersOf(groups: string) {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
