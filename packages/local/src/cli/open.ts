import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault } from '@cloudoptima/core'
import { type Product, refuseFile, startProduct } from '../product.ts'

export async function withProduct(data: string, use: (product: Product) => Promise<number>): Promise<number> {
  await refuseFile(data)
  if (!(await isFolder(data)))
    throw new Fault(
      'not_found',
      `There is no data folder ${resolve(data)}. Create it with npm start -- --import PATH, or name another one with --data.`,
    )
  const product = await startProduct({ dataDir: data })
  try {
    return await use(product)
  } finally {
    await product.close()
  }
}

async function isFolder(path: string) {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
