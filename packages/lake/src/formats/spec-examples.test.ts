import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { bench, dataFile, dataNames, dataRows, describeData, type LakeRow } from './testing.ts'

const { bring } = bench()

/** The examples show only the columns they are about; a bill has an account, a currency, a provider and a service too. */
const constants = { BillingAccountId: '12345', BillingCurrency: 'USD', ProviderName: 'Example', ServiceName: 'Example' }

/** Completes each line as it stands, byte order mark, blank lines and spreadsheet amounts included. The tag numbers the rows. */
function complete(text: string): string {
  const [head = '', ...lines] = text.split(/\r?\n/)
  const lacking = Object.entries(constants).filter(([name]) => !head.includes(name))
  const values = lacking.map(([, value]) => `,${value}`).join('')
  let row = 0
  const filled = lines.map((line) => (line.trim() === '' ? line : `${line}${values},"{""row"":""${row++}""}"`))
  return [`${head.replace(/,Tags$/, ',x_Tags')}${lacking.map(([name]) => `,${name}`).join('')},Tags`, ...filled].join(
    '\n',
  )
}

function amount(text: string | null | undefined): string | null {
  const number = (text ?? '').replace(/[$,\s]/g, '')
  return number === '' ? null : Money.plain(Money.parse(number))
}

const byRow = (row: LakeRow): number => Number((JSON.parse(row.Tags ?? '{}') as { row: string }).row)

describeData('the worked examples of the specification come to the costs they must come to', () => {
  const names = dataNames('focus-spec-examples').filter((name) => name.endsWith('.csv'))

  it('are all 26', () => {
    expect(names).toHaveLength(26)
  })

  it.each(names)('%s', async (name) => {
    const text = readFileSync(dataFile(`focus-spec-examples/${name}`), 'utf8')
    const expected = dataRows(`focus-spec-examples/${name}`)
    const { rows } = await bring({ [name]: complete(text) })
    const costs = rows
      .toSorted((a, b) => byRow(a) - byRow(b))
      .map((row) => [row.BilledCost, row.EffectiveCost, row.ListCost, row.ContractedCost])
    expect(costs).toEqual(
      expected.map((row) => [row.BilledCost, row.EffectiveCost, row.ListCost, row.ContractedCost].map(amount)),
    )
  })
})
