import type { TagChange, Taggable } from '@cloudoptima/core'
import { afterEach, expect, test } from 'vitest'
import { type Asked, type FakeAccount, account, accessTo, fakeAccount, refusal } from '../collect/testing.ts'

let open: FakeAccount | undefined
afterEach(async () => await open?.close())

const instance = (n: number, region = 'eu-west-1'): Taggable => ({
  id: `i-${n}`,
  aliases: [`arn:aws:ec2:${region}:${account}:instance/i-${n}`],
  kind: 'instance',
  region,
})
const setting = (resource: Taggable, set: Record<string, string>, remove: Record<string, string> = {}): TagChange => ({
  resource,
  before: {},
  set,
  remove,
})
const listOf = ({ input }: Asked) => input['ResourceARNList'] as string[]

async function accountWith(answer: (asked: Asked) => object | undefined) {
  open = await fakeAccount(answer)
  return { ...accessTo(open), asked: open.asked }
}

test('one call sets the same tags of at most 20 resources of one region', async () => {
  const { aws, access, asked } = await accountWith(() => undefined)
  const changes = [
    ...Array.from({ length: 45 }, (_, n) => setting(instance(n), { Team: 'shop' })),
    setting(instance(100), { Team: 'other' }),
    setting(instance(101, 'us-east-1'), { Team: 'shop' }),
  ]
  expect(await aws.retag(access, changes)).toEqual(changes.map(({ resource: { id } }) => ({ id })))
  const calls = asked.filter(({ call }) => call === 'tag:TagResources')
  expect(calls.map((call) => [call.region, listOf(call).length, call.input['Tags']]).toSorted()).toEqual([
    ['eu-west-1', 1, { Team: 'other' }],
    ['eu-west-1', 20, { Team: 'shop' }],
    ['eu-west-1', 20, { Team: 'shop' }],
    ['eu-west-1', 5, { Team: 'shop' }],
    ['us-east-1', 1, { Team: 'shop' }],
  ])
  expect(asked.filter(({ call }) => call === 'tag:UntagResources')).toEqual([])
})

test('the resources that AWS names are refused alone; one that is half done says so', async () => {
  const { aws, access } = await accountWith((asked) => {
    const failing = asked.call === 'tag:TagResources' ? 'i-1' : asked.call === 'tag:UntagResources' ? 'i-2' : undefined
    if (failing === undefined) return undefined
    const failed = listOf(asked).filter((arn) => arn.endsWith(failing))
    const reason = { StatusCode: 400, ErrorCode: 'InvalidParameterException', ErrorMessage: 'No such resource.' }
    return { FailedResourcesMap: Object.fromEntries(failed.map((arn) => [arn, reason])) }
  })
  const changes = [1, 2, 3].map((n) => setting(instance(n), { Team: 'shop' }, { Old: '1' }))
  const why = 'AWS refused it (InvalidParameterException): No such resource.'
  expect(await aws.retag(access, changes)).toEqual([
    { id: 'i-1', refusal: why },
    { id: 'i-2', refusal: why, isPartly: true },
    { id: 'i-3' },
  ])
})

test('tags are read by ARN, whichever way AWS writes the account of a snapshot; never tagged ones have none', async () => {
  const snapshot: Taggable = {
    id: `arn:aws:ec2:eu-west-1:${account}:snapshot/snap-1`,
    kind: 'snapshot',
    region: 'eu-west-1',
  }
  const { aws, access } = await accountWith(({ call }) =>
    call === 'tag:GetResources'
      ? {
          ResourceTagMappingList: [
            { ResourceARN: 'arn:aws:ec2:eu-west-1::snapshot/snap-1', Tags: [{ Key: 'Team', Value: 'shop' }] },
          ],
        }
      : undefined,
  )
  const odd: Taggable = { id: 'no-arn', kind: 'commitment', region: 'eu-west-1' }
  expect(await aws.tags(access, [snapshot, instance(1), odd])).toEqual([
    { id: snapshot.id, tags: { Team: 'shop' } },
    { id: 'i-1', tags: {} },
    { id: 'no-arn', refusal: expect.stringContaining('no ARN') },
  ])
})

test('a denied call names the permission, for its batch alone, without secrets', async () => {
  const { aws, access } = await accountWith((asked) =>
    asked.call === 'tag:TagResources' && asked.region === 'us-east-1'
      ? refusal(asked, 'AccessDeniedException', 403)
      : undefined,
  )
  const answers = await aws.retag(access, [
    setting(instance(1), { Team: 'shop' }),
    setting(instance(2, 'us-east-1'), { Team: 'shop' }),
  ])
  expect(answers).toEqual([
    { id: 'i-1' },
    { id: 'i-2', refusal: expect.stringContaining('lacks the permission tag:TagResources') },
  ])
  expect(JSON.stringify(answers)).not.toContain('canary')
})

test.each(['tag:TagResources', 'tag:UntagResources'])('%s without an answer of AWS may be done', async (silent) => {
  const { aws, access } = await accountWith((asked) =>
    asked.call === silent ? refusal(asked, 'InternalServiceException', 500) : undefined,
  )
  const [set, remove] = silent === 'tag:TagResources' ? [{ Team: 'shop' }, {}] : [{}, { Old: '1' }]
  expect(await aws.retag(access, [setting(instance(1), set, remove)])).toEqual([
    { id: 'i-1', refusal: expect.stringContaining('does not answer'), isPartly: true },
  ])
})

test('calls that AWS throttles are refused for the moment, and have changed nothing', async () => {
  const { aws, access } = await accountWith((asked) =>
    asked.call.startsWith('tag:') ? refusal(asked, 'ThrottlingException', 400) : undefined,
  )
  const passing = { id: 'i-1', refusal: expect.stringContaining('AWS throttles') as string, isPassing: true }
  expect(await aws.retag(access, [setting(instance(1), { Team: 'shop' })])).toEqual([passing])
  expect(await aws.tags(access, [instance(1)])).toEqual([passing])
})
