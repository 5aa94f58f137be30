import type { Import } from '@cloudoptima/core'
import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import { note, notes, oneLine, count } from './output.ts'

type Progress = NonNullable<Import.Info['progress']>

/** Reports on stderr: a bar on a terminal, lines in a pipe. */
export interface Reporter {
  begin(title: string): void
  at(progress: Progress): void
  beginCount(title: string, total: number): void
  counted(done: number): void
  end(sentence: string): void
}

const phases: Record<Progress['phase'], readonly [from: number, length: number, title: string]> = {
  store: [0, 15, 'storing raw'],
  read: [15, 10, 'reading'],
  normalize: [25, 65, 'normalizing'],
  commit: [90, 10, 'committing'],
}
const msBetweenLines = 2000

export function createReporter(): Reporter {
  const bar = new SingleBar({
    stream: notes,
    format: `  ${pc.cyan('{bar}')} {percentage} %  {phase}  {speed}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 1,
    fps: 12,
  })
  let began = 0
  let spokeAt = 0
  let said = ''
  let of = 0
  // The speed falls while nothing moves, so it makes no line new.
  const say = (done: string, speed = '') => {
    if (performance.now() - spokeAt < msBetweenLines || done === said) return
    spokeAt = performance.now()
    said = done
    note(`  ${done}${speed}`)
  }
  return {
    beginCount(title, total) {
      note(oneLine(title))
      spokeAt = performance.now()
      said = ''
      of = total
      if (notes.isTTY) bar.start(total, 0, { phase: '', speed: '' })
    },
    counted(done) {
      const speed = `${count(done)} of ${count(of)}`
      if (notes.isTTY) bar.update(done, { phase: '', speed })
      else say(speed)
    },
    begin(title) {
      note(oneLine(title))
      began = spokeAt = performance.now()
      said = ''
      if (notes.isTTY) bar.start(100, 0, { phase: 'storing raw', speed: '' })
    },
    at(progress) {
      const [from, length, phase] = phases[progress.phase]
      const percent = from + (length * Math.min(100, progress.percent)) / 100
      const rows = progress.rows ? `${count(progress.rows)} rows` : ''
      const speed = progress.rows ? `, ${rowsPerSecond(progress.rows, began)}` : ''
      if (notes.isTTY) return bar.update(percent, { phase, speed: `${rows}${speed}` })
      say(`${Math.round(percent)} % ${phase} ${rows}`.trimEnd(), speed)
    },
    end(sentence) {
      bar.stop()
      note(`  ${sentence}`)
    },
  }
}

function rowsPerSecond(rows: number, began: number) {
  const seconds = Math.max(0.001, (performance.now() - began) / 1000)
  return `${count(Math.round(rows / seconds))} rows/s`
}
