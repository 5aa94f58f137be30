import { expect, onTestFinished, test } from 'vitest'
import { keptMails } from './kept-mails.ts'
import { dataFolder, memoryLog } from './testing/services.ts'

const message = { to: 'ada@example.com', subject: 'Confirm your address', text: 'canary-token' }

test('mail is kept for 30 days, listed newest first, passed to listeners and never logged', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const log = memoryLog()
  const { mails, runtime } = await folder.boot(undefined, log)
  const heard: string[] = []
  mails.onMail(({ to, subject }) => heard.push(`${to} ${subject}`))
  await runtime.mail.send(message)
  // Ids created in the same millisecond have no order.
  await new Promise((resolve) => setTimeout(resolve, 2))
  await runtime.mail.send({ ...message, subject: 'Second' })
  const [second, first] = await mails.list()
  expect(second?.subject).toBe('Second')
  expect(first).toStrictEqual({
    ...message,
    id: expect.stringMatching(/^mail_/),
    at: expect.any(String),
    expiresAt: expect.any(Number),
  })
  expect(first?.expiresAt).toBe(Math.floor(Date.parse(first?.at ?? '') / 1000) + 30 * 24 * 3600)
  expect(heard).toStrictEqual(['ada@example.com Confirm your address', 'ada@example.com Second'])
  expect(JSON.stringify(log.lines)).not.toContain('canary')
})

test('all processes on a data folder share one mails, and listeners get their own process’s mails', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const [first, second] = [await folder.boot(), await folder.boot()]
  const heard: string[] = []
  first.mails.onMail(({ subject }) => heard.push(`first ${subject}`))
  second.mails.onMail(({ subject }) => heard.push(`second ${subject}`))
  await second.runtime.mail.send(message)
  expect(await first.mails.list()).toStrictEqual(await second.mails.list())
  expect(await first.mails.list()).toHaveLength(1)
  expect(heard).toStrictEqual(['second Confirm your address'])
})

test('only the fields of a message are kept', async () => {
  const kept: object[] = []
  const mails = keptMails(
    { insert: async (_: string, item: object) => void kept.push(item) } as never,
    () => new Date(0),
  )
  await mails.send({ ...message, password: 'canary' } as never)
  expect(kept).toStrictEqual([
    { ...message, id: expect.any(String), at: '1970-01-01T00:00:00.000Z', expiresAt: 2_592_000 },
  ])
})
