import type { Progress } from '@cloudoptima/core'
import { type Options, SingleBar } from 'cli-progress'
import pc from 'picocolors'
import { count } from './text.ts'

/** Reports on stderr: a bar on a terminal, lines in a pipe. */
export interface Reporter {
  begin(title: string): void
  at(progress: Progress): void
  end(sentence: string): void
}

const phases: Record<Progress['phase'], readonly [from: number, length: number, title: string]> = {
  store: [0, 15, 'storing raw'],
  read: [15, 10, 'reading'],
  normalize: [25, 65, 'normalizing'],
  commit: [90, 10, 'committing'],
}

export function createReporter(stream: NodeJS.WriteStream): Reporter {
  return stream.isTTY ? terminal(stream) : pipe(stream)
}

function terminal(stream: NodeJS.WriteStream): Reporter {
  let bar: SingleBar | undefined
  let began = 0
  const options: Options = {
    stream,
    format: `  ${pc.cyan('{bar}')} {percentage} %  {phase}  {speed}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 1,
    fps: 12,
  }
  return {
    begin(title) {
      stream.write(`${title}\n`)
      began = performance.now()
      bar = new SingleBar(options)
      bar.start(100, 0, { phase: 'storing raw', speed: '' })
    },
    at(progress) {
      bar?.update(overall(progress), { phase: phases[progress.phase][2], speed: speed(progress, began) })
    },
    end(sentence) {
      bar?.stop()
      bar = undefined
      stream.write(`  ${sentence}\n`)
    },
  }
}

const secondsBetweenLines = 2

function pipe(stream: NodeJS.WriteStream): Reporter {
  let began = 0
  let spokeAt = 0
  return {
    begin(title) {
      began = spokeAt = performance.now()
      stream.write(`${title}\n`)
    },
    at(progress) {
      if (performance.now() - spokeAt < secondsBetweenLines * 1000) return
      spokeAt = performance.now()
      stream.write(
        `  ${Math.round(overall(progress))} % ${phases[progress.phase][2]} ${speed(progress, began)}`.trimEnd() + '\n',
      )
    },
    end(sentence) {
      stream.write(`  ${sentence}\n`)
    },
  }
}

function overall({ phase, percent }: Progress): number {
  const [from, length] = phases[phase]
  return from + (length * Math.min(100, percent)) / 100
}

function speed({ rows }: Progress, began: number): string {
  if (!rows) return ''
  const seconds = Math.max(0.001, (performance.now() - began) / 1000)
  return `${count(rows)} rows, ${count(Math.round(rows / seconds))} rows/s`
}
