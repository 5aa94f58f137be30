import { expect, test } from 'vitest'
import { actions } from '../actions/actions.ts'
import { allRules } from '../rules/index.ts'
import { performanceOf } from '../rules/performance.ts'
import { dataLossOf, deedOf, deeds } from './deed.ts'
import { previewOf } from './shown.ts'

test('each deed is of a rule, and of an action on the clouds and kinds of the rule', () => {
  const byId = new Map(allRules.map((rule) => [rule.id, rule]))
  for (const [id, [name]] of Object.entries(deeds)) {
    const rule = byId.get(id)
    expect(rule, id).toBeDefined()
    const { clouds, kinds } = actions[name]
    expect(
      rule?.clouds.every((cloud) => clouds.includes(cloud)),
      `${id} ${name}`,
    ).toBe(true)
    expect(
      rule?.kinds.some((kind) => kinds.includes(kind)),
      `${id} ${name}`,
    ).toBe(true)
  }
})

test('an idle database of RDS is deleted by hand: AWS starts a stopped one again, and its storage costs', () => {
  expect(deeds).not.toHaveProperty('aws-database-idle')
})

test.each([
  ['application', 'delete-load-balancer'],
  ['network', 'delete-load-balancer'],
  ['classic', undefined],
])('an idle load balancer of the type %s is deleted by: %s', (type, name) => {
  const given = advised('aws-load-balancer-idle', 'deleted', { kind: 'load_balancer', type })
  expect(deedOf(given)?.name).toBe(name)
})

test('each sentence on performance is of a rule', () => {
  const ids = allRules.map(({ id }) => id)
  for (const id of Object.keys(performanceOf)) expect(ids).toContain(id)
})

type Advised = Parameters<typeof previewOf>[0]

function advised(rule: string, to: string, resource: Partial<Advised['resources'][number]>): Advised {
  return {
    rule,
    cloud: rule.startsWith('azure') ? 'azure' : 'aws',
    resources: [{ id: 'r-1', kind: 'instance', status: 'running', ...resource }],
    found: {
      evidence: {},
      change: { action: 'change', from: 'now', to },
      effect: 'changes',
      saving: { basis: 'a share' },
      confidence: { level: 'high', reason: 'it is known' },
      risk: 'medium',
      effort: 'low',
      restartNeeded: false,
      rollbackPossible: true,
      undo: 'Change it back.',
      priority: '1',
      alternatives: [],
      dependents: [],
    },
  }
}

test('what is stopped is still there, does not run, and what it costs then is not known', () => {
  const given = advised('aws-instance-idle', 'stopped', { type: 'm5.large', cost: '70' })
  const stopped = previewOf({ ...given, found: { ...given.found, effect: 'ends' } }).resourceChanges
  expect(stopped.map(({ after }) => after)).toEqual([{ type: 'm5.large', status: 'stopped', cost: null }])
  const gone = advised('aws-volume-unattached', 'deleted', {})
  const deleted = previewOf({ ...gone, found: { ...gone.found, effect: 'ends' } }).resourceChanges
  expect(deleted.map(({ after }) => after)).toEqual([null])
})

test.each<[string, string, object, string | undefined]>([
  ['aws-instance-oversized', 'm5d.large', { type: 'm5d.xlarge' }, 'The data on the local disks of m5d.xlarge is lost.'],
  ['aws-instance-oversized', 'm5.large', { type: 'm5.xlarge' }, undefined],
  [
    'azure-instance-idle',
    'ended',
    { type: 'Standard_D4s_v3' },
    'The data on the local disks of Standard_D4s_v3 is lost.',
  ],
  ['azure-instance-idle', 'ended', { type: 'Standard_D4s_v5' }, undefined],
  ['aws-log-group-no-retention', '90 days', { kind: 'log_group' }, 'Events that are older than 90 days are deleted.'],
  ['aws-bucket-incomplete-uploads', 'a rule', { kind: 'bucket' }, 'The parts of incomplete uploads are deleted.'],
  ['aws-bucket-no-lifecycle', 'a rule', { kind: 'bucket' }, undefined],
])('%s to %s: the risks name the data that is lost', (rule, to, resource, loss) => {
  const given = advised(rule, to, resource)
  expect(dataLossOf(given)).toBe(loss)
  const risks =
    loss === undefined
      ? ['The risk is medium. It can be taken back: Change it back.']
      : [
          'The risk is medium. It can be taken back, without the data: Change it back.',
          `${loss} The approval asks for the name of the resource.`,
        ]
  expect(previewOf(given).risks).toEqual(risks)
})
