import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createExchangeRates } from './exchange-rates.ts'

const day = (time: string, ...rates: string[]) => `<Cube time="${time}">${rates.join('\n')}</Cube>`
const usd = (rate: string) => `<Cube currency='USD' rate='${rate}'/>`
const envelope = (...days: string[]) => `<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
	<gesmes:subject>Reference rates</gesmes:subject>
	<gesmes:Sender>
		<gesmes:name>European Central Bank</gesmes:name>
	</gesmes:Sender>
	<Cube>
${days.join('\n')}</Cube></gesmes:Envelope>`
const good = envelope(
  day('2026-11-03', usd('1.12'), '<Cube currency="JPY" rate="175"/>'),
  day('2026-11-02', usd('1.1')),
  day('2026-10-30', usd('1.1172')),
)

const asked: string[] = []
let answer = { status: 200, text: good }
const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  response.writeHead(answer.status).end(answer.text)
})
let url: string
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/eurofxref/`
})
afterAll(() => void server.close())

const rates = (options = {}) =>
  createExchangeRates(url, { allowLoopback: true, ...options }, () => new Date('2026-11-03T16:00:00Z'))

test('publications after a day are read from the file of 90 days, and after a long gap from the history', async () => {
  answer = { status: 200, text: good }
  asked.length = 0
  expect(await rates().after('2026-10-30')).toEqual([
    { day: '2026-11-03', rates: { USD: '1.12', JPY: '175' } },
    { day: '2026-11-02', rates: { USD: '1.1' } },
  ])
  expect(await rates().after('2026-08-01')).toHaveLength(3)
  expect(asked).toEqual(['/eurofxref/eurofxref-hist-90d.xml', '/eurofxref/eurofxref-hist.xml'])
})

test.each([
  ['no envelope', '<html>Maintenance</html>'],
  ['a truncated file', good.slice(0, -20)],
  ['another sender', good.replace('European Central Bank', 'Somebody')],
  ['no day', envelope()],
  ['a day that does not exist', envelope(day('2026-02-30', usd('1')))],
  ['a day to come', envelope(day('2026-11-04', usd('1')))],
  ['a day without rates', envelope(day('2026-11-02'))],
  ['a rate of 0', envelope(day('2026-11-02', usd('0.0')))],
  ['a rate that is no decimal', envelope(day('2026-11-02', usd('1e3')))],
  ['an element that is not known', envelope(day('2026-11-02', usd('1'), '<Note/>'))],
  ['text between days', envelope(day('2026-11-02', usd('1')), 'text')],
])('%s is refused', async (_, text) => {
  answer = { status: 200, text }
  await expect(rates().after('2026-10-30')).rejects.toMatchObject({ code: 'unavailable' })
})

test('an error, an answer without end and a closed port are failures', async () => {
  answer = { status: 503, text: good }
  await expect(rates().after('2026-10-30')).rejects.toThrow('status 503')
  answer = { status: 200, text: good }
  await expect(rates({ maxBytes: 100 }).after('2026-10-30')).rejects.toMatchObject({ code: 'unavailable' })
  const closed = createExchangeRates('http://127.0.0.1:1/', { allowLoopback: true })
  await expect(closed.after('2026-10-30')).rejects.toMatchObject({ code: 'unavailable' })
})

test('an address on this machine is refused unless it is allowed', async () => {
  await expect(createExchangeRates(url).after('2026-10-30')).rejects.toMatchObject({ code: 'invalid' })
})
