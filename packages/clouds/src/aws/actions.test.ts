import type { Access, ActionName, ActionParameters, ActionTarget, ResourceKind } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { type ActionWorld, assertContract, type Fate, type FateOf } from '@cloudoptima/providers/testing/action'
import { recognized, type ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import { openEstate } from '@cloudoptima/sample'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Answer, serve } from '../server.ts'
import { awsAnswers } from './cloud.ts'
import { actRoleOf } from './identity.ts'

const estate = openEstate('aws', { seed: 3, rows: 16_000, months: 2, today: '2026-11-26' })
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
  const [, role = aws.payer] = Object.values(aws.roles)
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

const targets = new Map<ResourceKind, Promise<ActionTarget[]>>()

/** The resources of a kind, at noon. */
async function targetsOf(kind: ResourceKind, { resources }: Opened): Promise<ActionTarget[]> {
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
    if (isStopped) {
      const order = { target, parameters: {}, before: {}, after: { State: 'stopped' }, token: '', memory: {} }
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
      everything: async (one) => (await action.readState(one)) ?? null,
      close,
    }
  }

const given = (parameters: fc.Arbitrary<ActionParameters> = fc.constant({})) =>
  fc.record({ index: fc.nat(50), parameters, isStopped: fc.boolean() })
const types = fc.constantFrom('m6i.large', 'm7g.large', 'c7i.2xlarge', 't3.medium', 'nothing.large')

test.each([
  ['stop-instance', 'instance', given()],
  ['start-instance', 'instance', given()],
  ['resize-instance', 'instance', given(fc.record({ type: types }))],
] as const)(
  '%s keeps the contract of actions, whatever befalls its calls',
  async (name, kind, states) => {
    await expect(assertContract({ given: states, open: worldOf(name, kind), runs: 20 })).resolves.toBeUndefined()
  },
  120_000,
)
