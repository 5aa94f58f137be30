import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'

/** The export of the rehearsed customer; its bucket is one of the emulator. */
export const costExport = { name: 'focus-daily', bucket: 'customer-cost-exports', prefix: 'exports' }

const arn = `arn:aws:bcm-data-exports:us-east-1:000000000000:export/${costExport.name}`
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Billing_and_Cost_Management_Data_Exports.html
const answers: Record<string, object> = {
  ListExports: { Exports: [{ ExportArn: arn, ExportName: costExport.name, ExportStatus: { StatusCode: 'HEALTHY' } }] },
  GetExport: {
    Export: {
      ExportArn: arn,
      Name: costExport.name,
      DataQuery: { QueryStatement: 'SELECT * FROM FOCUS_1_2_AWS' },
      DestinationConfigurations: {
        S3Destination: {
          S3Bucket: costExport.bucket,
          S3Prefix: costExport.prefix,
          S3Region: 'us-east-1',
          S3OutputConfigurations: {
            Compression: 'GZIP',
            Format: 'TEXT_OR_CSV',
            OutputType: 'CUSTOM',
            Overwrite: 'OVERWRITE_REPORT',
          },
        },
      },
      RefreshCadence: { Frequency: 'SYNCHRONOUS' },
    },
  },
}

export interface Front {
  url: string
  close(): void
}

/** The customer's AWS: MiniStack, which has no Data Exports, behind a server that answers for this one service. */
export async function startFront({ port, ca }: { port: number; ca: string }): Promise<Front> {
  const authorities = readFileSync(ca)
  const pass = (incoming: IncomingMessage, response: ServerResponse) => {
    const { method, url: path, headers } = incoming
    const to = { host: '127.0.0.1', port, servername: 'localhost', ca: authorities, method, path, headers }
    const outgoing = request(to, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    incoming.pipe(outgoing)
  }
  const server = createServer((incoming, response) => {
    const target = String(incoming.headers['x-amz-target'] ?? '')
    const answer = target.includes('DataExports.') ? answers[target.split('.').at(-1) ?? ''] : undefined
    if (!answer) return pass(incoming, response)
    incoming.resume()
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${own}`, close: () => void server.close() }
}
