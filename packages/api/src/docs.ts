import { html, raw } from 'hono/html'
import { type Document, goodAnswer, type Operation, type Parameter } from './openapi.ts'
import { isRecord } from './wire.ts'

type Markup = ReturnType<typeof html>
type Json = Record<string, unknown>

const style = raw(`
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent) }
  body { font: 15px/1.55 system-ui, sans-serif; margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 60rem); gap: 2.5rem }
  nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem; box-sizing: border-box; border-right: 1px solid var(--line) }
  nav a { display: block; padding: .15rem 0; text-decoration: none; color: inherit } nav a:hover { text-decoration: underline }
  main { padding: 1.5rem 1.5rem 6rem 0 } h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1.5rem }
  code, pre { font: 13px/1.5 ui-monospace, monospace } pre { background: var(--soft); padding: .8rem; overflow: auto; max-height: 26rem; border-radius: 6px }
  table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line) }
  td code { white-space: nowrap } input { font: inherit; width: 100%; box-sizing: border-box } summary { cursor: pointer; font-weight: 600 } details { margin: 1rem 0 }
  .verb { font-weight: 700; text-transform: uppercase; margin-right: .5rem } .note { opacity: .7 } ul ul { padding-left: 1.2rem }
  @media (max-width: 60rem) { body { display: block; padding: 0 1rem } nav { position: static; height: auto; border: 0; padding: 1rem 0 } }
`)

/** The reference as one page of plain HTML: it needs no script and no other server. Reading operations can be tried out by their form. */
export function reference(document: Document): Markup {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${document.info.title} API</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <nav>
          <strong>${document.info.title} API</strong>
          ${document.tags.map(
            ({ name }) =>
              html`<p class="note">${name}</p>
                ${operations.filter(({ operation }) => operation.tags.includes(name)).map(({ operation }) => html`<a href="#${operation.operationId}">${operation.summary}</a>`)}`,
          )}
          <p class="note">errors</p>
          ${Object.keys(document.components.responses).map((code) => html`<a href="#${code}">${code}</a>`)}
          <p><a href="/v1/openapi.json">openapi.json</a></p>
        </nav>
        <main>
          <h1>${document.info.title} API</h1>
          ${prose(document.info.description)} ${operations.map(({ path, method, operation }) => section(document, path, method, operation))}
          <h2>Errors</h2>
          ${faults(document)}
        </main>
      </body>
    </html>`
}

function section(document: Document, path: string, method: string, operation: Operation): Markup {
  const { schema, example, status } = goodAnswer(operation)
  const body = operation.requestBody?.content['application/json']
  const answer = document.components.schemas[schema]
  return html`<h2 id="${operation.operationId}">${operation.summary}</h2>
    <p><span class="verb">${method}</span><code>${path}</code> <span class="note">permission: ${operation['x-permission']}</span></p>
    ${prose(operation.description ?? '')} ${operation.parameters.length > 0 ? parametersOf(path, method, operation.parameters) : ''}
    ${
      body
        ? html`<h3>Body</h3>
            ${shape(body.schema)}
            <pre>${pretty(body.example)}</pre>`
        : ''
    }
    <h3>Answer ${status}</h3>
    ${
      answer
        ? html`<details>
            <summary>Fields</summary>
            ${shape(answer)}
          </details>`
        : ''
    }
    <pre>${pretty(example)}</pre>
    <p class="note">
      Other answers:
      ${Object.keys(operation.responses)
        .filter((other) => other !== status)
        .join(', ')}
    </p>`
}

function parametersOf(path: string, method: string, parameters: readonly Parameter[]): Markup {
  const isForm = method === 'get' && !path.includes('{')
  const table = html`<table>
    <tr>
      <th>Parameter</th>
      <th>Type</th>
      <th>What it says</th>
      ${isForm ? html`<th>Try</th>` : ''}
    </tr>
    ${parameters.map(
      (parameter) =>
        html`<tr>
          <td><code>${parameter.name}</code>${parameter.required ? html` <span class="note">required</span>` : ''}</td>
          <td>${typeOf(parameter.schema)}</td>
          <td>${prose(parameter.description ?? '')}</td>
          ${isForm ? html`<td>${parameter.in === 'query' ? field(parameter) : ''}</td>` : ''}
        </tr>`,
    )}
  </table>`
  return isForm
    ? html`<form action="${path}" method="get" target="_blank">
        ${table}
        <p><button>Send</button></p>
      </form>`
    : table
}

// An empty field counts as not given, so the form sends only what was filled in.
function field({ name, schema }: Parameter): Markup | string {
  if (schema['type'] === 'object') return ''
  if (!Array.isArray(schema['enum'])) return html`<input name="${name}" type="${schema['format'] === 'date' ? 'date' : 'text'}" />`
  return html`<select name="${name}">
    <option></option>
    ${schema['enum'].map((value) => html`<option>${String(value)}</option>`)}
  </select>`
}

function faults({ components }: Document): Markup {
  const rows = Object.entries(components.responses).map(([code, response]) => {
    const content = isRecord(response['content']) ? response['content']['application/problem+json'] : undefined
    const example = isRecord(content) && isRecord(content['example']) ? content['example'] : {}
    return html`<tr id="${code}">
      <td><code>${code}</code></td>
      <td>${String(example['status'])}</td>
      <td>${String(response['description'])}</td>
    </tr>`
  })
  return html`<table>
    <tr>
      <th>Code</th>
      <th>Status</th>
      <th>Meaning</th>
    </tr>
    ${rows}
  </table>`
}

function shape(schema: Json): Markup | string {
  const inner = isRecord(schema['items']) ? schema['items'] : schema
  const properties = isRecord(inner['properties']) ? inner['properties'] : undefined
  if (!properties) return ''
  const fields = Object.entries(properties).map(([name, field]) =>
    isRecord(field) ? html`<li><code>${name}</code> <span class="note">${typeOf(field)}</span> ${text(wordOf(field['description']))}${shape(field)}</li>` : '',
  )
  return html`<ul>
    ${fields}
  </ul>`
}

/** What a value may be, in words. */
function typeOf(schema: Json): string {
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].filter(isRecord).map(typeOf).join(' | ')
  const types = [schema['enum'] ?? schema['const'] ?? schema['format'] ?? schema['type'] ?? 'any'].flat()
  const type = types.map(String).join(' | ')
  const item = type === 'array' && isRecord(schema['items']) ? ` of ${typeOf(schema['items'])}` : ''
  return `${type}${item}${'default' in schema && !Array.isArray(schema['default']) ? `, default ${String(schema['default'])}` : ''}`
}

function prose(words: string): Markup {
  return html`<span>${text(words)}</span>`
}

/** Text whose `code` is set as code. */
function text(words: string): (Markup | string)[] {
  return words.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2)
}
