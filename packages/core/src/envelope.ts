import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Context } from './context.ts'

type Scope = Pick<Context, 'orgId' | 'runtime'>
export async function seal({ orgId, runtime }: Scope, purpose: string, plaintext: string): Promise<string> {
  const { key, wrapped } = await runtime.dataKeys.generate({ organization: orgId, purpose })
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const text = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return [wrapped, iv.toString('base64'), cipher.getAuthTag().toString('base64'), text.toString('base64')].join('.')
}
export async function open({ orgId, runtime }: Scope, purpose: string, sealed: string): Promise<string> {
  const [wrapped = '', iv = '', tag = '', text = ''] = sealed.split('.')
  const key = await runtime.dataKeys.unwrap(wrapped, { organization: orgId, purpose })
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64')).setAuthTag(Buffer.from(tag, 'base64'))
  return Buffer.concat([decipher.update(Buffer.from(text, 'base64')), decipher.final()]).toString()
}
