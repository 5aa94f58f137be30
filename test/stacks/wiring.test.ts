import { pascal, wiring, type Queue } from '@cloudoptima/core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Deployment } from './deployment.ts'
import { nameOf, refusesPlainHttp } from './grants.ts'
import { synthesise } from './synthesise.ts'

const queues = Object.entries<Queue>(wiring.queues)
let production: Deployment

beforeAll(async () => {
  production = await synthesise('production', { told: { MAIL_FROM: 'example.com' } })
})

describe('events', () => {
  test('every event of the product has a rule on our bus, with a dead-letter queue at every target', () => {
    const rules = production.resources('AWS::Events::Rule')
    const patterns = rules.map(
      ([, { Properties }]) => (Properties['EventPattern'] as Record<string, string[]> | undefined)?.['detail-type'],
    )
    expect(patterns).toEqual(expect.arrayContaining(Object.keys(wiring.events).map((name) => [name])))
    const targets = rules.flatMap(
      ([, { Properties }]) => Properties['Targets'] as { DeadLetterConfig?: { Arn: unknown } }[],
    )
    expect(targets.map(({ DeadLetterConfig }) => DeadLetterConfig && nameOf(DeadLetterConfig.Arn))).toEqual(
      targets.map(() => 'DeadLetters'),
    )
  })

  test('the clock wakes the sweep every day; what cannot be delivered, and what fails three times, goes to the dead letters', () => {
    const rule = production.only('AWS::Events::Rule', 'reactions/SweepClock')
    expect(rule).toMatchObject({
      Name: 'cloudoptima-production-sweep',
      ScheduleExpression: 'cron(0 3 * * ? *)',
      State: 'ENABLED',
    })
    expect((rule['Targets'] as { Arn: unknown }[]).map(({ Arn }) => nameOf(Arn))).toEqual(['Sweep'])
    const { DestinationConfig } = production.only('AWS::Lambda::EventInvokeConfig', 'reactions/SweepRetries')
    expect(nameOf((DestinationConfig as { OnFailure: { Destination: unknown } }).OnFailure.Destination)).toBe(
      'DeadLetters',
    )
    const mayInvoke = production
      .resources('AWS::Lambda::Permission')
      .filter(([, { Properties: p }]) => nameOf(p['FunctionName']) === 'Sweep')
    expect(mayInvoke.map(([, { Properties: p }]) => [p['Principal'], nameOf(p['SourceArn'])])).toEqual([
      ['events.amazonaws.com', 'SweepClock'],
    ])
    const policies = production.resources('AWS::SQS::QueuePolicy').filter(([id]) => id.startsWith('events/'))
    expect(JSON.stringify(policies)).toContain('rule/cloudoptima-production-sweep')
  })

  test('queues are encrypted and refuse plain HTTP', () => {
    const found = production.resources('AWS::SQS::Queue')
    expect(found.map(([id]) => nameOf(id)).toSorted()).toEqual(
      ['DeadLetters', ...queues.flatMap(([name]) => [pascal(name), `${pascal(name)}Dead`])].toSorted(),
    )
    for (const [id, { Properties }] of found) {
      expect([id, Properties['SqsManagedSseEnabled']]).toEqual([id, true])
      expect([id, refusesPlainHttp(production, 'AWS::SQS::QueuePolicy', ({ Queues }) => Queues, id)]).toEqual([
        id,
        true,
      ])
    }
  })
})

describe('queues', () => {
  test.each(queues)(
    '%s hides a message while it is worked on, and sets it aside after its last failure',
    (name, row) => {
      const live = queueNamed(`cloudoptima-production-${name}`)
      expect(live['VisibilityTimeout']).toBe(row.visibilitySeconds)
      const { deadLetterTargetArn, maxReceiveCount } = live['RedrivePolicy'] as Record<string, unknown>
      expect([nameOf(deadLetterTargetArn), maxReceiveCount]).toEqual([`${pascal(name)}Dead`, row.receives])
      // SQS refuses a shorter time than the time limit of the function, and a smaller concurrency.
      expect(row.visibilitySeconds).toBeGreaterThanOrEqual(row.consumer ? (row.consumer.timeoutSeconds ?? 60) : 60)
      expect(row.concurrency).toBeGreaterThanOrEqual(2)
      // A dead letter keeps the time of its first send.
      const dead = queueNamed(`cloudoptima-production-${name}-dead`)
      expect(dead['MessageRetentionPeriod']).toBeGreaterThan(Number(live['MessageRetentionPeriod']))
    },
  )
})

describe('workflows', () => {
  test.each(Object.entries(wiring.workflows))(
    '%s: the state machine is the definition that runs on one machine, with every placeholder filled',
    (name, { definition, steps }) => {
      const machine = production.only('AWS::StepFunctions::StateMachine', `workflows/${pascal(name)}Machine`)
      expect(machine['StateMachineName']).toBe(`cloudoptima-production-${name}`)
      const text = String(machine['DefinitionString'])
      expect(JSON.parse(text)).toEqual(definition)
      const placeholders = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, placeholder = '']) => placeholder)
      const substitutions = machine['DefinitionSubstitutions'] as Record<string, unknown>
      const filled = Object.entries(substitutions).map(([placeholder, value]) => [placeholder, nameOf(value)])
      expect(filled.toSorted()).toEqual(
        [...new Set(placeholders)].map((placeholder) => [placeholder, pascal(`${name}-${placeholder}`)]).toSorted(),
      )
      expect(Object.keys(steps).toSorted()).toEqual([...new Set(placeholders)].toSorted())
      expect(machine).toMatchObject({
        StateMachineType: 'STANDARD',
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: { Level: 'ALL' },
      })
    },
  )
})

/** The properties of the queue of this name. */
function queueNamed(name: string): Record<string, unknown> {
  const found = production.resources('AWS::SQS::Queue').find(([, { Properties }]) => Properties['QueueName'] === name)
  if (!found) throw new Error(`There is no queue ${name}.`)
  return found[1].Properties
}
