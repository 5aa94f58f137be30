// Reference of bench:http: node:http that answers the JSON text of its argument. Prints its URL.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const [body = '{}'] = process.argv.slice(2)
const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })}\n`),
)
