import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createTimers } from './timers.ts'

const target = {
  groupName: 'cloudoptima-dev-x',
  queueArn: 'arn:aws:sqs:us-east-1:1:cloudoptima-dev-x-remediation',
  roleArn: 'arn:aws:iam::1:role/timers',
}
const now = () => new Date('2026-11-23T08:07:00Z')

/** A scheduler that answers by the verb and the number of the call. */
async function scheduler(answers: (verb: string, call: number) => [status: number, error?: string]) {
  const asked: { verb: string; path: string; body: Record<string, unknown> }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const verb = request.method ?? ''
      const path = request.url ?? ''
      const [status, error] = answers(
        verb,
        asked.push({ verb, path, body: JSON.parse(body || '{}') as object as never }),
      )
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(error !== undefined && { 'x-amzn-errortype': error }),
      })
      response.end(JSON.stringify(error === undefined ? { ScheduleArn: 'arn' } : { Message: 'no' }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const timers = createTimers({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 }, target, now)
  return { timers, asked, verbs: () => asked.map(({ verb }) => verb) }
}

const cron = { id: 'pol_1', timing: { cron: '0 19 * * 1-5', timeZone: 'Europe/Zurich' } }
const unknown = 'ResourceNotFoundException'

test('a timer is a schedule of the group, whose message the queue understands', async () => {
  const { timers, asked } = await scheduler(() => [200])
  await timers.put('org_1', cron)
  await timers.put('org_1', { id: 'pol_1', timing: { everyMinutes: 360 } })
  const [first, second] = asked
  expect([first?.verb, first?.path]).toEqual(['PUT', '/schedules/org_1.pol_1'])
  const {
    Target,
    ClientToken: _,
    ...schedule
  } = (first?.body ?? {}) as {
    Target: { Input: string }
    ClientToken: string
  }
  expect(schedule).toEqual({
    GroupName: target.groupName,
    ScheduleExpression: 'cron(0 19 ? * MON,TUE,WED,THU,FRI *)',
    ScheduleExpressionTimezone: 'Europe/Zurich',
    FlexibleTimeWindow: { Mode: 'OFF' },
  })
  const { Input, ...to } = Target
  expect(to).toEqual({ Arn: target.queueArn, RoleArn: target.roleArn })
  expect(JSON.parse(Input)).toEqual({
    id: '<aws.scheduler.execution-id>',
    orgId: 'org_1',
    sentAt: '<aws.scheduler.scheduled-time>',
    data: { policyId: 'pol_1', trigger: { type: 'schedule' } },
  })
  expect(second?.body).toMatchObject({
    ScheduleExpression: 'rate(360 minutes)',
    StartDate: Date.parse('2026-11-23T12:00:00Z') / 1000,
  })
})

test('a timer that does not exist is made, also if another call is faster', async () => {
  const fresh = await scheduler((verb) => (verb === 'PUT' ? [404, unknown] : [200]))
  await fresh.timers.put('org_1', cron)
  expect(fresh.verbs()).toEqual(['PUT', 'POST'])
  const raced = await scheduler((verb, call) =>
    verb === 'POST' ? [409, 'ConflictException'] : call === 1 ? [404, unknown] : [200],
  )
  await raced.timers.put('org_1', cron)
  expect(raced.verbs()).toEqual(['PUT', 'POST', 'PUT'])
})

test('a removal is idempotent; any other error is thrown', async () => {
  const { timers, asked } = await scheduler(() => [404, unknown])
  await timers.remove('org_1', 'pol_1')
  expect([asked[0]?.verb, asked[0]?.path]).toEqual([
    'DELETE',
    expect.stringMatching(/^\/schedules\/org_1\.pol_1\?.*groupName=cloudoptima-dev-x/),
  ])
  const denied = await scheduler(() => [403, 'AccessDeniedException'])
  await expect(denied.timers.put('org_1', cron)).rejects.toThrow('no')
  await expect(denied.timers.remove('org_1', 'pol_1')).rejects.toThrow('no')
})
