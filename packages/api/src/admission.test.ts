import { expect, test } from 'vitest'
import { posted, appWithLake, jsonType, problemOf } from './fixture.ts'

test('public requests are limited by network: one IPv6 /64, or one IPv4 address in any notation', async () => {
  const { anonymous } = await appWithLake()
  const forgot = async (from: string) =>
    await anonymous.request(
      '/v1/auth/password/forgot',
      posted({ email: 'nobody@example.com' }, { ...jsonType, 'X-Test-Address': from }),
    )
  const addresses = ['2001:db8::7', '2001:db8:0:0:ffff::1', '2001:0db8:0000::9:9']
  for (let at = 0; at < 20; at++) expect((await forgot(addresses[at % addresses.length] ?? '')).status).toBe(200)
  for (const from of addresses) await problemOf(await forgot(from), 429, 'rate_limited')
  expect((await forgot('2001:db8:0:1::7')).status).toBe(200)
  const left = async (from: string) => (await forgot(from)).headers.get('RateLimit-Remaining')
  expect([await left('203.0.113.7'), await left('::ffff:203.0.113.7'), await left('::ffff:cb00:7107')]).toEqual([
    '19',
    '18',
    '17',
  ])
})
