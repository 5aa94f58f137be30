import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ran } from '../../packages/local/src/services/testing/said.ts'
import { answer, begin, billFolder, slow } from './machine.ts'

const world = billFolder()

test(
  'without a network it serves silently, with the bundled exchange rates, and logs a warning',
  async () => {
    // Nothing listens on port 1.
    vi.stubEnv('EXCHANGE_RATES_URL', 'http://127.0.0.1:1/')
    onTestFinished(() => void vi.unstubAllEnvs())
    const data = await world.fresh()
    const serving = begin('--data', data, '--port', '0', '--json', '--import', world.bill)
    const { api } = JSON.parse(await serving.untilOutput('"api"')) as { api: string }
    const log = async () => await readFile(join(data, 'log', 'cloudoptima.log'), 'utf8')
    await vi.waitFor(async () => expect(await log()).toContain('exchange rates were not fetched'), {
      timeout: 15_000,
    })
    const token = (await ran('token', '--data', data)).stdout.trim()
    const rates = await fetch(`${api}/currencies/rates`, { headers: { Authorization: `Bearer ${token}` } })
    expect(await rates.json()).toMatchObject({ fetched_at: null, rates: expect.any(Array) })
    serving.child.kill('SIGINT')
    const { code, stdout, stderr } = await serving.ended()
    expect(code).toBe(0)
    expect(stdout + stderr).not.toMatch(/exchange|fetch|error|warn/i)
    expect(await log()).not.toContain('"level":"error"')
  },
  slow,
)

test(
  'reports a port in use and how to choose another; --once ignores a busy default port',
  async () => {
    const busy = createServer()
    const port = await new Promise<number>((resolve) =>
      busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port)),
    )
    try {
      const ended = await ran('--data', await world.fresh(), '--port', String(port), '--import', world.bill)
      expect([ended.code, ended.stdout]).toEqual([1, ''])
      expect(ended.stderr).toContain(`Port ${port} is in use`)
      expect(ended.stderr).toContain('--port')
    } finally {
      busy.close()
    }
    const standard = createServer()
    const isOurs = await new Promise<boolean>((resolve) =>
      standard.on('error', () => resolve(false)).listen(4000, '127.0.0.1', () => resolve(true)),
    )
    try {
      const { code, answer: result } = await answer('--data', await world.fresh(), '--import', world.bill)
      expect([code, result.api === 'http://127.0.0.1:4000/v1']).toEqual([0, false])
    } finally {
      if (isOurs) standard.close()
    }
  },
  slow,
)
