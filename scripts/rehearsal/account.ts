import { createClient, expectStatus } from './client.ts'
import { credentials, region, type Emulator } from './emulator.ts'

/** Access to the emulated AWS account as its root user, for state that the product's API does not show. */
export function createAccount(emulator: Emulator) {
  const client = createClient(emulator)
  const url = `https://127.0.0.1:${emulator.port}`
  const post = async (service: string, path: string, body: string, headers: Record<string, string>): Promise<string> =>
    expectStatus(
      await client.sendSigned({ method: 'POST', url: url + path, headers, body }, { ...credentials, region, service }),
      200,
      `${service}${path}`,
    )

  return {
    /** Calls a service by JSON, such as `call('states', 'AWSStepFunctions.DescribeExecution', { executionArn })`. */
    call: async <Answer>(service: string, target: string, body: unknown): Promise<Answer> =>
      JSON.parse(
        (await post(service, '/', JSON.stringify(body), {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': target,
        })) || '{}',
      ) as Answer,
    /** Calls a service with a form protocol; the result is XML. */
    query: async (
      service: string,
      Action: string,
      Version: string,
      parameters: Record<string, string>,
    ): Promise<string> =>
      await post(service, '/', new URLSearchParams({ Action, Version, ...parameters }).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
      }),
    /** Calls a service with a REST protocol. */
    rest: async <Answer>(service: string, method: 'GET' | 'PUT', path: string, body?: unknown): Promise<Answer> => {
      const call = { method, url: url + path, ...(body !== undefined && { body: JSON.stringify(body) }) }
      const answer = await client.sendSigned(call, { ...credentials, region, service })
      return JSON.parse(expectStatus(answer, 200, `${service}${path}`)) as Answer
    },
    /** Invokes a function and waits for its end. Throws an error if it fails. */
    invoke: async (name: string, event: unknown): Promise<void> => {
      const answer = await post('lambda', `/2015-03-31/functions/${name}/invocations`, JSON.stringify(event), {
        'content-type': 'application/json',
      })
      if (answer.includes('"errorMessage"')) throw new Error(`${name}: ${answer}`)
    },
    /** Creates a bucket, or an object in it. */
    store: async (path: string, body: Uint8Array | string = ''): Promise<void> => {
      const call = { method: 'PUT' as const, url: `${url}/${path}`, body, headers: {} }
      expectStatus(await client.sendSigned(call, { ...credentials, region, service: 's3' }), 200, path)
    },
    /** All mails that SES accepted. */
    mails: async (): Promise<Mail[]> => {
      const { body } = await client.send({ method: 'GET', url: `${url}/_ministack/ses/messages` })
      return Object.values((JSON.parse(body) as { messages: Record<string, Mail[]> }).messages).flat()
    },
  }
}

export type Account = ReturnType<typeof createAccount>

interface Mail {
  Source: string
  To: string[]
  Subject: string
  BodyText: string
}
