import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { orgId, startProduct } from '@cloudoptima/local'

const main = join(import.meta.dirname, '..', 'packages', 'local', 'src', 'main.ts')
const demo = ['admin', 'cfo', 'devops', 'engineer', 'analyst', 'viewer']

let dir: string
let data: string
let server: ChildProcess
let api: string
let banner: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sign-in-'))
  data = join(dir, 'data')
  // Creates the local organization, so that the first start below generates no sample.
  const product = await startProduct({ dataDir: data })
  await product.close()
  ;({ server, api, banner } = await serve())
})
afterAll(async () => {
  server.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

async function serve(...args: string[]): Promise<{ server: ChildProcess; api: string; banner: string }> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      main,
      '--data',
      data,
      '--port',
      '0',
      '--import',
      join(dir, 'none.csv'),
      ...args,
    ],
    {
      env: { ...process.env, NO_COLOR: '1' },
    },
  )
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    const [, url] = /The API answers at (\S+)/.exec(output) ?? []
    if (url !== undefined && output.includes('Ctrl-C ends.')) return { server: child, api: url, banner: output }
  }
  throw new Error(`The product ended before it served the API: ${output}`)
}

async function command(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args, '--data', data], {
    env: { ...process.env, NO_COLOR: '1' },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

async function ask<Body>(path: string, token?: string, body?: object): Promise<{ status: number; body: Body }> {
  const headers = {
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(body && { 'Content-Type': 'application/json' }),
  }
  const response = await fetch(api + path, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) })
  return { status: response.status, body: (await response.json()) as Body }
}

const tokenOf = async (email: string) => (await command('token', '--as', email)).stdout.trim()

describe('one machine after its first start', () => {
  it('signs in a demo user of each role with the generated password, whose file only its owner can read', async () => {
    const file = join(data, 'keys', 'password.txt')
    const password = (await readFile(file, 'utf8')).trim()
    expect(banner).toContain(`the password ${password}`)
    expect(password.length).toBeGreaterThanOrEqual(22)
    expect((await stat(file)).mode & 0o077).toBe(0)
    for (const role of demo) {
      const { body } = await ask<{ access_token: string }>('/auth/login', undefined, {
        email: `${role}@demo.example`,
        password,
      })
      const me = await ask<object>('/me', body.access_token)
      expect(me).toMatchObject({ status: 200, body: { role, organization: { id: 'sample', is_demo: true } } })
    }
    const { body } = await ask<{ access_token: string }>('/auth/login', undefined, {
      email: 'admin@local.example',
      password,
    })
    expect(await ask('/me', body.access_token)).toMatchObject({
      body: { role: 'admin', organization: { id: orgId, is_demo: false } },
    })
  })

  it('issues tokens on the command line, with an audit entry', async () => {
    const token = await tokenOf('admin@local.example')
    expect(await ask('/audit?action=auth.token', token)).toMatchObject({
      status: 200,
      body: { entries: [{ detail: 'by the command line', result: 'success' }] },
    })
    expect(await ask('/audit/verification', token)).toMatchObject({ body: { intact: true } })
    const nobody = await command('token', '--as', 'nobody@demo.example')
    expect([nobody.code, nobody.stdout]).toEqual([1, ''])
    expect(nobody.stderr).toContain('nobody@demo.example')
    expect(nobody.stderr).toContain('viewer@demo.example')
  })

  it('refuses imports into the demo', async () => {
    const refused = await ask('/imports', await tokenOf('admin@demo.example'), { files: [{ name: 'a.csv', bytes: 1 }] })
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })

  it('shows its mails on the command line and to its own admin only', async () => {
    const registered = await ask<{ access_token: string }>('/auth/register', undefined, {
      email: 'ada@acme.example',
      password: 'correct horse battery',
      company_name: 'ACME',
      role: 'cfo',
    })
    expect(registered.status).toBe(201)
    const own = await tokenOf('admin@local.example')
    const mails = await until(
      async () => await ask<{ mails: { to: string; text: string }[] }>('/_local/outbox', own),
      ({ body }) => body.mails.length > 0,
    )
    expect(mails).toMatchObject({ status: 200, body: { mails: [{ to: 'ada@acme.example' }] } })
    const strangers = [undefined, 'garbage', registered.body.access_token, await tokenOf('admin@demo.example')]
    const statuses = await Promise.all(strangers.map(async (token) => (await ask('/_local/outbox', token)).status))
    expect(statuses).toEqual([401, 401, 403, 403])
    const { stdout } = await command('outbox')
    expect(stdout).toContain('to ada@acme.example')
    const [, token = ''] = /"token":"([^"]+)"/.exec(mails.body.mails[0]?.text ?? '') ?? []
    expect(await ask('/auth/email/verify', undefined, { token })).toMatchObject({
      status: 200,
      body: { success: true },
    })
    expect(await ask('/me', registered.body.access_token)).toMatchObject({ body: { user: { email_verified: true } } })
  })

  it('keeps users and tokens over a restart', async () => {
    const token = await tokenOf('cfo@demo.example')
    server.kill('SIGINT')
    await new Promise((resolve) => server.once('close', resolve))
    ;({ server, api } = await serve())
    expect(await ask('/me', token)).toMatchObject({ status: 200, body: { role: 'cfo' } })
  })

  it('creates no new password if the file of the first one was deleted', async () => {
    server.kill('SIGINT')
    await new Promise((resolve) => server.once('close', resolve))
    const file = join(data, 'keys', 'password.txt')
    await rm(file)
    ;({ server, api, banner } = await serve())
    expect(banner).toContain(`the password that was in ${file}`)
    await expect(stat(file)).rejects.toThrow('ENOENT')
    expect(await ask('/me', await tokenOf('cfo@demo.example'))).toMatchObject({ status: 200 })
  })
})

async function until<Value>(read: () => Promise<Value>, isDone: (value: Value) => boolean): Promise<Value> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const value = await read()
    if (isDone(value)) return value
    await new Promise((wake) => setTimeout(wake, 50))
  }
  throw new Error('The expected value did not appear within 5 s')
}
