import * as z from 'zod'
import { command } from '@cloudoptima/core'
import { get, type Route } from '../route.ts'

const Key = z.object({
  kty: z.string(),
  crv: z.string(),
  x: z.string(),
  kid: z.string(),
  alg: z.string(),
  use: z.string(),
})

const read = command('keys.list', z.strictObject({}), 'public', async ({ runtime }) => {
  const { keys } = await runtime.tokens.keys()
  return { keys: keys as z.input<typeof Key>[] }
})

export const keys: readonly Route[] = [
  get('/.well-known/jwks.json', read, {
    summary: 'Get the public keys of the access tokens',
    description:
      'A JSON Web Key Set (RFC 7517). A key is published before it signs tokens, and stays until its last token ' +
      'has expired.',
    answer: z.object({ keys: z.array(Key) }),
    cacheSeconds: 300,
    response: {
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          kid: 'k1',
          alg: 'EdDSA',
          use: 'sig',
          x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
        },
      ],
    },
  }),
]
