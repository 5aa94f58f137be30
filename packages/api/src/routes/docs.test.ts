import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import { assets } from './docs.ts'
import { appWithLake, problemOf } from '../fixture.ts'
import { codes, kinds, typeOf } from '../problem.ts'

let app: Awaited<ReturnType<typeof appWithLake>>['anonymous']
let page: string

beforeAll(async () => {
  ;({ anonymous: app } = await appWithLake())
  page = await (await app.request('/v1/docs')).text()
})

/** All links of a page, as paths of this server. */
function links(html: string, at = '/v1/docs'): string[] {
  return [...html.matchAll(/\s(?:src|href)="([^"]*)"/g)].map(([, link = '']) => pathOf(link, at))
}

function pathOf(link: string, at = '/v1/docs'): string {
  const { pathname, search } = new URL(link, `http://localhost${at}`)
  return pathname + search
}

const packageFolder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

describe('GET /v1/docs', () => {
  test('links only to existing paths of this server, and has no inline script', async () => {
    expect(page).not.toMatch(/\/\/|@import|\son\w+=|<style|\sstyle=/)
    expect([...page.matchAll(/<script[^>]*>/g)].every(([tag]) => tag.includes(' src='))).toBe(true)
    expect(links(page)).toHaveLength(6)
    for (const link of links(page)) expect([link, (await app.request(link)).status]).toEqual([link, 200])
  })

  test('has relative links only, so that it works below a path prefix', async () => {
    const errors = await (await app.request('/v1/docs/errors')).text()
    expect(page + errors).not.toMatch(/(?:src|href)="\//)
    for (const link of links(errors, '/v1/docs/errors'))
      expect([link, (await app.request(link)).status]).toEqual([link, 200])
    expect(links(page, '/api/v1/docs').filter((link) => !link.startsWith('/api/v1/'))).toEqual([])
    const { servers } = (await (await app.request('/v1/openapi.json')).json()) as { servers: { url: string }[] }
    expect(servers.map(({ url }) => pathOf(url, '/api/v1/openapi.json'))).toEqual(['/api/'])
  })

  test('has a content security policy that allows only its own files', async () => {
    for (const at of ['/v1/docs', '/v1/docs/errors', ...links(page).filter((link) => link.startsWith('/v1/docs/'))]) {
      const { headers } = await app.request(at)
      const policy = headers.get('Content-Security-Policy')?.split('; ')
      expect(policy).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "connect-src 'self'",
          "frame-ancestors 'none'",
        ]),
      )
      expect(policy?.join(' ')).not.toMatch(/unsafe|http|\*/)
      expect([headers.get('X-Content-Type-Options'), headers.get('Referrer-Policy')]).toEqual([
        'nosniff',
        'no-referrer',
      ])
    }
  })

  test('shows our document, lets users try operations out, and calls no validator', async () => {
    const script = await (await app.request(links(page).find((link) => link.includes('initializer.js')) ?? '')).text()
    const given: Record<string, unknown>[] = []
    runInNewContext(script, { SwaggerUIBundle: (options: Record<string, unknown>) => void given.push(options) })
    expect(given).toMatchObject([{ url: 'openapi.json', tryItOutEnabled: true, validatorUrl: null }])
    expect(page).toContain(`id="${String(given[0]?.['dom_id']).replace('#', '')}"`)
    expect(await (await app.request(pathOf(String(given[0]?.['url'])))).json()).toMatchObject({ openapi: '3.1.0' })
  })
})

describe('GET /v1/docs/{file}', () => {
  test.each([
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['index.css', 'text/css; charset=utf-8'],
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['swagger-ui-bundle.js.LICENSE.txt', 'text/plain; charset=utf-8'],
    ['favicon-32x32.png', 'image/png'],
  ] as const)('serves %s of the package as %s', async (name, type) => {
    const response = await app.request(`/v1/docs/${name}`)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, type])
    expect(Buffer.from(await response.arrayBuffer()).equals(await readFile(path.join(packageFolder, name)))).toBe(true)
    expect(assets).toContain(name)
  })

  test('may be cached for a year at its versioned URL, and must be revalidated at any other', async () => {
    const files = links(page).filter((link) => link.startsWith('/v1/docs/'))
    expect(files).toHaveLength(5)
    for (const link of files) {
      expect((await app.request(link)).headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
      expect((await app.request(link.replace(/\?.*/, ''))).headers.get('Cache-Control')).toBe('no-cache')
      expect((await app.request(link.replace(/\?.*/, '?v=0'))).headers.get('Cache-Control')).toBe('no-cache')
    }
    expect((await app.request('/v1/docs')).headers.get('Cache-Control')).toBe('no-cache')
  })

  test.each([
    'package.json',
    'swagger-ui.js',
    'swagger-ui-bundle.js.map',
    'index.html',
    'docs.ts',
    '..%2fpackage.json',
    '..%2f..%2fpackage.json',
    '%2e%2e%2fpackage.json',
    '..%5cpackage.json',
    'swagger-ui.css%00',
    'swagger-ui.css%2f..%2fpackage.json',
    '%2fetc%2fpasswd',
    'etc/passwd',
    '__proto__',
    'constructor',
    'swagger-ui.css/',
  ])('answers 404 for %s', async (name) => {
    const { detail } = await problemOf(await app.request(`/v1/docs/${name}`), 404, 'not_found')
    expect(detail).toContain('/v1/docs/')
  })

  test('answers 405 for POST', async () => {
    const response = await app.request('/v1/docs/swagger-ui.css', { method: 'POST' })
    await problemOf(response, 405, 'method_not_allowed')
    expect(response.headers.get('Allow')).toBe('GET')
  })
})

test('the type of every problem links to the meaning of its code', async () => {
  const { type } = await problemOf(await app.request('/v1/nothing'), 404, 'not_found')
  expect(type).toBe(typeOf('not_found'))
  for (const code of codes) {
    const [address = '', id] = typeOf(code).split('#')
    const response = await app.request(address)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=UTF-8'])
    const text = await response.text()
    expect(text).toContain(`id="${id}"`)
    expect(text).toContain(kinds[code].meaning)
  }
})
