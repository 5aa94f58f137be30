import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { getMimeType } from 'hono/utils/mime'
import { Fault } from '@cloudoptima/core'
import { document } from './document.ts'
import { codes, kinds, statusOfCode } from '../problem.ts'

/** Of Swagger UI, with the licences of its script. */
export const assets = [
  'swagger-ui.css',
  'index.css',
  'swagger-ui-bundle.js',
  'swagger-ui-bundle.js.LICENSE.txt',
  'favicon-32x32.png',
] as const

// https://swagger.io/docs/open-source-tools/swagger-ui/usage/configuration/
const options = {
  // Relative, because API Gateway may add a stage prefix.
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // Shows `x-permission`.
  showExtensions: true,
  defaultModelsExpandDepth: 0,
  // Prevents Swagger UI from sending the document to its online validator.
  validatorUrl: null,
}

interface Asset {
  content: Uint8Array<ArrayBuffer>
  type: string
  version: string
}

type Assets = ReadonlyMap<string, Asset>

export function reference(): Hono {
  const app = new Hono()
  let loading: Promise<Assets> | undefined
  const load = () => (loading ??= loadAssets())
  app.get('/', async (c) => c.html(page(await load()), 200, headers))
  app.get('/errors', (c) => c.html(errorsPage(), 200, headers))
  app.get('/:asset', async (c) => {
    const asset = (await load()).get(c.req.param('asset'))
    if (!asset) throw new Fault('not_found', `The path ${c.req.path} does not exist. See /v1/docs.`)
    const keep = c.req.query('v') === asset.version && { 'Cache-Control': 'public, max-age=31536000, immutable' }
    return c.body(asset.content, 200, { ...headers, ...keep, 'Content-Type': asset.type })
  })
  return app
}

// `data:` is for icons of Swagger UI, `connect-src` for trying operations out.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri " +
  "'none'; form-action 'none'; frame-ancestors 'none'"

const headers = {
  'Content-Security-Policy': policy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
}

async function loadAssets(): Promise<Assets> {
  const files = await Promise.all(assets.map(async (name) => [name, await readFile(locate(name))] as const))
  const initializer = Buffer.from(`SwaggerUIBundle(${JSON.stringify(options)})\n`)
  return new Map(
    [...files, ['initializer.js', initializer] as const].map(([name, content]) => [name, assetOf(name, content)]),
  )
}

function assetOf(name: string, content: Buffer<ArrayBuffer>): Asset {
  const version = hash('sha256', content).slice(0, 12)
  return { content, version, type: getMimeType(name) ?? 'application/octet-stream' }
}

/** A deployed function has the assets beside its bundle; one machine has them in the installed package. */
function locate(name: string): URL {
  const beside = new URL(name, import.meta.url)
  return existsSync(beside) ? beside : new URL(name, import.meta.resolve('swagger-ui-dist/package.json'))
}

function page(assets: Assets) {
  const link = (name: string) => `docs/${name}?v=${assets.get(name)?.version ?? ''}`
  return document(
    'CloudOptima API',
    html`<link rel="icon" href="${link('favicon-32x32.png')}" />
      <link rel="stylesheet" href="${link('swagger-ui.css')}" />
      <link rel="stylesheet" href="${link('index.css')}" />`,
    html`<div id="reference"></div>
      <noscript>This page needs JavaScript. <a href="openapi.json">openapi.json</a> has the same content.</noscript>
      <script src="${link('swagger-ui-bundle.js')}"></script>
      <script src="${link('initializer.js')}"></script>`,
  )
}

function errorsPage() {
  const rows = codes.map(
    (code) =>
      html`<dt id="${code}">
          <strong>${kinds[code].title}</strong> (<code>${code}</code>, status ${statusOfCode(code)})
        </dt>
        <dd>${kinds[code].meaning}</dd>`,
  )
  return document(
    'CloudOptima API: errors',
    html`<link rel="icon" href="favicon-32x32.png" />`,
    html`<h1>Errors</h1>
      <p>
        The <code>type</code> of a problem links to this page. Name the <code>requestId</code> if you report one.
        <a href="../docs">All operations</a>
      </p>
      <dl>${rows}</dl>`,
  )
}
