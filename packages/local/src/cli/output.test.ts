import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { note, oneLine, print, printJson, style, heading, table } from './output.ts'

vi.mock('picocolors', () => ({ default: { isColorSupported: true } }))

function printed(act: () => void): string {
  let text = ''
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      text += String(chunk)
      return true
    })
  act()
  vi.restoreAllMocks()
  return text
}

const hostile = 'a\x1b]0;title\x07b\x1b[2Jc\x9b31md\x7fe\rf\tg\u202Eh\u2066i\u061Cj\u200Fk'
const visible = String.raw`a\u001b]0;title\u0007b\u001b[2Jc\u009b31md\u007fe\u000df\u0009g\u202eh\u2066i\u061cj\u200fk`

describe('output', () => {
  it('shows control and bidirectional characters instead of sending them to the terminal', () => {
    expect(printed(() => print(hostile))).toBe(`${visible}\n`)
    expect(printed(() => note(hostile))).toBe(`${visible}\n`)
    expect(printed(() => print('two\nlines'))).toBe('two\nlines\n')
    expect(oneLine('two\nlines')).toBe(String.raw`two\nlines`)
  })

  it('keeps the values of JSON', () => {
    const text = printed(() => printJson({ hostile }))
    expect(text).toMatch(/^[\x20-\x7e]+\n$/)
    expect(JSON.parse(text)).toEqual({ hostile })
  })

  it('has styles, which no bill can forge', () => {
    expect(printed(() => print(`${style.red('red')} \x1b[31mforged`))).toBe('\x1b[31mred\x1b[39m \\u001b[31mforged\n')
    expect(printed(() => print(style.dim(hostile)))).toBe(`\x1b[2m${visible}\x1b[22m\n`)
    expect(printed(() => print(heading('Imported')))).toBe('\n\x1b[1m\x1b[36mImported\x1b[39m\x1b[22m\n')
  })

  it('has one line for each row of a table, and as much space for each cell as it needs', () => {
    const lines = printed(() =>
      print(
        table(
          ['A', 'B'],
          [
            ['x\ny', style.bold('zz')],
            ['1', '22'],
          ],
        ),
      ),
    ).split('\n')
    expect(lines).toEqual([
      '\x1b[1mA\x1b[22m     \x1b[1mB\x1b[22m ',
      String.raw`x\ny  ` + '\x1b[1mzz\x1b[22m',
      '1     22',
      '',
    ])
  })

  it('is the only code that writes to the terminal', async () => {
    const root = join(import.meta.dirname, '..')
    const writers: string[] = []
    for await (const file of glob('**/*.ts', { cwd: root }))
      if (
        !/\.test\.ts$|testing\//.test(file) &&
        /process\.std(out|err)(?!\.on\()|console\./.test(readFileSync(join(root, file), 'utf8'))
      )
        writers.push(file)
    expect(writers).toEqual(['cli/output.ts'])
  })
})
