import { onTestFinished, expect, test } from 'vitest'
import { dataFolder } from '../../services/testing/services.ts'
import { said } from '../../services/testing/said.ts'

const slow = 60_000

test('policies are listed, made of a template, previewed, run and enabled', { timeout: slow }, async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const policies = async (...given: string[]) => await said('policies', ...given, '--data', folder.dataDir)
  expect((await policies()).text).toContain('Policies: none')
  expect((await policies('templates')).text).toMatch(/unattached-disks +Backs up .* days=30/)
  const made = await policies('create', 'unattached-disks', '--set', 'days=60', '--name', 'Berlin', '--json')
  const { policy_ids: ids, policies: shown } = JSON.parse(made.text) as {
    policy_ids: [string]
    policies: { conditions: { value: unknown }[] }[]
  }
  const [id] = ids
  expect(shown[0]?.conditions.map(({ value }) => value)).toEqual([false, 60])
  expect((await policies()).text).toMatch(
    new RegExp(`Berlin Unattached disks +no +schedule: 1 day +delete-volume +- .*${id}`),
  )
  expect((await policies('preview', id)).text).toContain('0 of 0 resources match')
  const ran = JSON.parse((await policies('run', id, '--dry-run', '--json')).text) as object
  expect(ran).toMatchObject({ dry_run: true, matched: 0, status: 'planning' })
  expect((await policies('enable', id)).text).toMatch(/Berlin Unattached disks +yes/)
  expect((await policies('disable', id, '--json')).text).toContain('"enabled":false')
  for (const words of [
    ['create', 'unattached-disks'],
    ['run', id],
    ['enable', id],
  ]) {
    const { code, text } = await policies(...words, '--as', 'nobody@demo.example')
    expect([code, text]).toEqual([1, expect.stringContaining('Name one with --as')])
  }
})

test('a wrong command says what to do', { timeout: slow }, async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const wrong = async (...given: string[]) => await said('policies', ...given, '--data', folder.dataDir)
  expect(await wrong('create', 'none')).toMatchObject({ code: 1, text: expect.stringContaining('off-hours') })
  expect(await wrong('create', 'off-hours', '--set', 'x')).toMatchObject({
    code: 1,
    text: expect.stringContaining('days=30'),
  })
  expect(await wrong('run', 'pol_none')).toMatchObject({ code: 1, text: expect.stringContaining('no policy') })
})
