import type { Access, ActionName, ActionParameters, Resource, ResourceKind } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { type ActionWorld, assertContract, type Fate, type FateOf } from '@cloudoptima/providers/testing/action'
import { recognized, type ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import { openEstate } from '@cloudoptima/sample'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Answer, serve } from '../server.ts'
import { awsAnswers } from './cloud.ts'
import { actRoleOf } from './identity.ts'
import { awsResource } from './resource.ts'

const estate = openEstate('aws', { seed: 3, rows: 16_000, months: 2, today: '2026-11-26' })
/** One that has all kinds of resources. */
const account = estate.resources.map(awsResource).find(({ type }) => type === 'ec2:elastic-ip')?.account ?? ''
const noon = new Date('2026-11-26T12:00:00Z')
const reading = /:(Describe|Get|List|Assume)/

/** What the client sees of an answer. */
async function met(fate: Fate, answer: () => Promise<Answer>): Promise<Answer> {
  switch (fate) {
    case 'answered':
      return await answer()
    case 'unanswered':
      return { ...(await answer()), isLost: true }
    case 'lost':
      return { isLost: true }
    case 'throttled': {
      const error = '<Error><Code>RequestLimitExceeded</Code><Message>Slower.</Message></Error>'
      return { status: 503, body: `<Response><Errors>${error}</Errors></Response>` }
    }
  }
}

/** A new AWS with the resources of the company, whose calls meet their fates once it is prepared. */
async function opened(fateOf: FateOf) {
  const world = { now: noon, isPrepared: false }
  const aws = awsAnswers({ estate, now: () => world.now, faults: { calls: [], bills: {} }, dir: '' })
  const answer = async (request: ReceivedRequest): Promise<Answer> => {
    const { call, input } = await recognized(request)
    const isChange = world.isPrepared && !reading.test(call) && input['DryRun'] !== 'true'
    return await met(isChange ? fateOf(call) : 'answered', async () => await aws.answer(request))
  }
  const server = await serve(answer)
  const { aws: provider } = createClouds({
    endpoints: { aws: server.url },
    awsCredentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  const access = (role: (typeof aws)['payer'], canAct: boolean): Access => ({
    credentials: { cloud: 'aws', externalId: role.externalId, roleArn: canAct ? actRoleOf(role) : role.roleArn },
    meter: { take: async () => undefined },
    report: () => undefined,
    signal: AbortSignal.timeout(60_000),
    now: () => world.now,
  })
  const role = aws.roles[account] ?? aws.payer
  const actionOf = async (wanted: ActionName) => {
    const action = await provider.action(access(role, true), wanted)
    if (!action) throw new Error(`AWS has no ${wanted}`)
    return action
  }
  const resources = async () => {
    const parts = await Array.fromAsync(provider.inventory(access(role, false)))
    return parts.flatMap((part) => part.resources)
  }
  return { world, actionOf, resources, close: server.close }
}

type Opened = Awaited<ReturnType<typeof opened>>

const targets = new Map<ResourceKind, Promise<Resource[]>>()

/** The resources of a kind, at noon. */
async function targetsOf(kind: ResourceKind, { resources }: Opened): Promise<Resource[]> {
  const known = targets.get(kind) ?? resources().then((all) => all.filter((one) => one.kind === kind))
  targets.set(kind, known)
  return await known
}

interface Given {
  index: number
  parameters: ActionParameters
  /** The instance has been stopped before. */
  isStopped: boolean
}

/** The world of an action on one of the resources of a kind. */
const worldOf =
  (name: ActionName, kind: ResourceKind) =>
  async ({ index, parameters, isStopped }: Given, fateOf: FateOf): Promise<ActionWorld> => {
    const open = await opened(fateOf)
    const { world, actionOf, close } = open
    const pass = (seconds: number) => void (world.now = new Date(world.now.getTime() + seconds * 1000))
    const all = await targetsOf(kind, open)
    const target = all[index % all.length]
    if (!target) throw new Error(`The company has no ${kind}`)
    const machine = kind === 'instance' ? target.id : target.attachedTo
    if (isStopped && machine !== undefined) {
      const instance = { id: machine, kind: 'instance' as const, region: target.region }
      const order = { target: instance, parameters: {}, before: {}, after: { State: 'stopped' }, token: '', memory: {} }
      await (await actionOf('stop-instance')).act(order)
      pass(60)
    }
    world.isPrepared = true
    const action = await actionOf(name)
    return {
      action,
      target,
      parameters,
      pass,
      everything: async (one) => {
        const { Size, ...state } = (await action.readState(one)) ?? {}
        // A volume that has grown stays so.
        return name === 'change-volume' ? state : { ...state, Size }
      },
      close,
    }
  }

const given = (parameters: fc.Arbitrary<ActionParameters> = fc.constant({})) =>
  fc.record({ index: fc.nat(50), parameters, isStopped: fc.boolean() })
const types = fc.constantFrom('m6i.large', 'm7g.large', 'c7i.2xlarge', 't3.medium', 'nothing.large')

const classes = fc.constantFrom('db.m7g.large', 'db.r6g.large', 'db.t4g.medium', 'db.nothing.large')

const lifecycles = fc.record(
  { abortUploadsDays: fc.constantFrom(7, 30), tieringDays: fc.constantFrom(0, 60) },
  { requiredKeys: [] },
)

const shapes = fc.record(
  {
    type: fc.constantFrom('gp2', 'gp3', 'io2', 'standard'),
    sizeGb: fc.constantFrom(1, 2000, 5000),
    iops: fc.constantFrom(3000, 6000),
    throughputMb: fc.constantFrom(125, 250, 5000),
  },
  { requiredKeys: [] },
)

test.each([
  ['stop-instance', 'instance', given()],
  ['start-instance', 'instance', given()],
  ['resize-instance', 'instance', given(fc.record({ type: types }))],
  ['delete-volume', 'volume', given()],
  ['change-volume', 'volume', given(shapes)],
  ['delete-snapshot', 'snapshot', given()],
  ['release-address', 'address', given()],
  ['delete-load-balancer', 'load_balancer', given()],
  ['delete-nat-gateway', 'nat_gateway', given()],
  ['stop-database', 'database', given()],
  ['start-database', 'database', given()],
  ['resize-database', 'database', given(fc.record({ type: classes }))],
  ['set-bucket-lifecycle', 'bucket', given(lifecycles)],
  ['set-log-retention', 'log_group', given(fc.record({ days: fc.constantFrom(7, 30, 31) }))],
  ['set-function-memory', 'function', given(fc.record({ memoryMb: fc.constantFrom(128, 512, 2048) }))],
] as const)(
  '%s keeps the contract of actions, whatever befalls its calls',
  async (name, kind, states) => {
    await expect(assertContract({ given: states, open: worldOf(name, kind), runs: 12 })).resolves.toBeUndefined()
  },
  120_000,
)
