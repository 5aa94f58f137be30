// Prints how import and overview grow with the bill: `npm run bench:growth [-- rows ...]`. A million rows need 1 GB of disk.
import { bill, type Run, runAlone } from './bench/measure.ts'

interface Growth extends Pick<Run, 'seconds'> {
  firstMs: number
  overviewMs: number
}

const given = process.argv.slice(2).map(Number)
const sizes = given.length > 0 ? given : [200_000, 2_000_000, 10_000_000]
const columns = ['rows', 'import s', 'rows/s', 'first overview ms', 'overview ms']
const write = (cells: string[]) => process.stdout.write(`${cells.map((cell) => cell.padStart(18)).join('')}\n`)

write(columns)
for (const rows of sizes) {
  const { seconds, firstMs, overviewMs } = await runAlone<Growth>('growth.ts', [await bill(rows, false)])
  const numbers = [rows, seconds, rows / seconds, firstMs, overviewMs]
  write(numbers.map((number) => number.toLocaleString('en', { maximumFractionDigits: number < 1000 ? 1 : 0 })))
}
