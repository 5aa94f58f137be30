import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import definition from './contract/branches.asl.json' with { type: 'json' }
import type { Execution, Log, Runtime, Wiring } from '@cloudoptima/core'
import { noLake } from '@cloudoptima/runtime'
import type { QueueRows } from '../../embedded/queues.ts'
import { boot, type Services } from '../boot.ts'
import type { Workflow } from '../workflows/workflows.ts'

/** A log that keeps its lines. */
export function memoryLog(): Log & { lines: { level: string; message: string; fields?: Record<string, unknown> }[] } {
  const lines: ReturnType<typeof memoryLog>['lines'] = []
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push({ level, message, ...(fields && { fields }) })
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}

/** A workflow with branches and functions that succeed and do nothing, except those that are given. */
export function bills(steps: Workflow['steps'] = {}): { bills: Workflow } {
  const nothing = () => Promise.resolve(null)
  const idle: Workflow['steps'] = {
    Normalize: () => Promise.resolve({ outcome: 'unchanged' }),
    Detect: nothing,
    Recommend: nothing,
    Track: nothing,
    RecordFailure: nothing,
  }
  return { bills: { definition, steps: { ...idle, ...steps } } }
}

/** A temporary data folder and services on it. */
export async function dataFolder() {
  const dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-'))
  const open: Services[] = []
  return {
    dataDir,
    async boot(
      workflows: Record<string, Workflow> = bills(),
      log: Log = memoryLog(),
      queues: QueueRows = {},
      subscriptions: Wiring['subscriptions'] = {},
      wrap: (runtime: Runtime) => Runtime = (runtime) => runtime,
    ): Promise<Services> {
      const options = { workflows: () => workflows, queues, subscriptions, wrap }
      const services = await boot({ dataDir, lake: noLake, log, ...options })
      open.push(services)
      return services
    },
    async end(): Promise<void> {
      for (const services of open.reverse()) await services.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** An execution to store; `input` takes any JSON. */
export function item(id: string, input: unknown = null, status: Execution.Info['status'] = 'running'): Execution.Info {
  const startedAt = '2026-11-23T00:00:00.000Z'
  return { id, workflow: 'bills', name: id, status, input, startedAt, expiresAt: 9_999_999_999 }
}

/** Pseudo-random bytes, each of which follows from the one before. */
export function pattern(seed: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = (seed * 2_654_435_761) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
