// The product with an empty lake, and a token of its admin. Prints both.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProduct, tokenOf } from '@cloudoptima/local'

const dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-bench-'))
const product = await startProduct({ dataDir, port: 0 })
const token = await tokenOf(product.services.runtime, 'admin@local.example')
process.stdout.write(`${JSON.stringify({ url: product.api, token })}\n`)
process.once('SIGTERM', () => {
  void product
    .close()
    .then(async () => await rm(dataDir, { recursive: true }))
    .then(() => process.exit(0))
})
