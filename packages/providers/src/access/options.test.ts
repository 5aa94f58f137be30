import { expect, test } from 'vitest'
import { endpointsOf } from './options.ts'

const azure = (url: string) => endpointsOf(JSON.stringify({ azure: { authority: url, resourceManager: url } }))
const aws = (url: string) => endpointsOf(JSON.stringify({ aws: url }))
const gcp = (url: string) => endpointsOf(JSON.stringify({ gcp: { token: url, api: url } }))

test.each(['http://127.0.0.1:4001', 'http://localhost/path', 'http://[::1]:80/', 'https://stand-in.example'])(
  'secrets may be sent to %s',
  (url) => {
    expect([aws(url).aws, azure(url).azure?.authority, gcp(url).gcp?.token]).toEqual([url, url, url])
  },
)

test.each([
  'http://10.0.0.1',
  'http://stand-in.example',
  'http://127.0.0.1.example',
  'http://127.0.0.1:80@stand-in.example',
  'http://localhost.example:80/',
])('no secret is sent to %s without encryption', (url) => {
  for (const parse of [aws, azure, gcp]) expect(() => parse(url)).toThrow(/Outside of loopback, it needs HTTPS/)
})
