import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import {
  Fault,
  type FaultCode,
  type Lake,
  type Normalized,
  type NormalizeOptions,
  type Progress,
  type SourceFile,
} from '@cloudoptima/core'

/** A delivery to normalize, as the other process gets it. */
export interface Question {
  files: SourceFile[]
  options: Omit<NormalizeOptions, 'onProgress' | 'signal'> & { memoryLimit: string }
}

/** An error as a message between processes, which keeps no class. */
export interface PlainError {
  name: string
  message: string
  stack: string
  fault?: { code: FaultCode; complaints: Fault['complaints']; retryAfterSeconds?: number }
}

export type Answer = { progress: Progress } | { normalized: Normalized } | { error: PlainError }

const entry = join(import.meta.dirname, 'normalizer.ts')

/** The process that read a bill ended before it answered. The workflow of bills retries this error once. */
class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded'
}

/** Normalizes in processes of their own, so that a bill that ends its process does not end the product. */
export function isolatedNormalizer(
  memoryLimit: string,
): Required<Pick<Lake, 'prepare' | 'normalize'>> & { close(): Promise<void> } {
  const idle = new Set<ChildProcess>()
  const all = new Set<ChildProcess>()

  function start(): ChildProcess {
    const child = fork(entry, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    all.add(child)
    idle.add(child)
    hold(child, false)
    child.once('exit', () => {
      idle.delete(child)
      all.delete(child)
    })
    return child
  }

  return {
    prepare() {
      if (idle.size === 0) start()
    },
    async normalize(files, { onProgress, signal, ...options }) {
      signal?.throwIfAborted()
      const [child = start()] = idle
      idle.delete(child)
      hold(child, true)
      const kill = () => child.kill('SIGKILL')
      signal?.addEventListener('abort', kill)
      try {
        return await ask(child, { files, options: { ...options, memoryLimit } }, onProgress)
      } catch (error) {
        signal?.throwIfAborted()
        throw error
      } finally {
        signal?.removeEventListener('abort', kill)
        if (all.has(child)) {
          hold(child, false)
          idle.add(child)
        }
      }
    },
    async close() {
      const ended = [...all].map(async (child) => {
        hold(child, true)
        child.kill('SIGKILL')
        await once(child, 'exit')
      })
      await Promise.all(ended)
    },
  }
}

/** Whether the process keeps this one from ending. */
function hold(child: ChildProcess, isHeld: boolean) {
  for (const handle of [child, child.channel]) handle?.[isHeld ? 'ref' : 'unref']()
}

async function ask(
  child: ChildProcess,
  question: Question,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<Normalized> {
  const { promise, resolve, reject } = Promise.withResolvers<Normalized>()
  const onMessage = (answer: Answer) => {
    if ('progress' in answer) onProgress?.(answer.progress)
    else if ('normalized' in answer) resolve(answer.normalized)
    else reject(restored(answer.error))
  }
  const onExit = (code: number | null, signal: string | null) =>
    reject(new ProcessEnded(`The process that read the bill ended with ${signal ?? `code ${code}`}.`))
  child.on('message', onMessage)
  child.once('exit', onExit)
  try {
    child.send(
      question,
      (error) => error && reject(new ProcessEnded(`The process that reads bills is gone: ${error.message}.`)),
    )
    return await promise
  } finally {
    child.off('message', onMessage)
    child.off('exit', onExit)
  }
}

function restored({ name, message, stack, fault }: PlainError) {
  if (!fault) return Object.assign(new Error(message), { name, stack })
  return new Fault(fault.code, message, fault.complaints, fault.retryAfterSeconds)
}
