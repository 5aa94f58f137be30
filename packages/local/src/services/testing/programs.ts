import fc from 'fast-check'

interface Handled {
  retries: number
  isCaught: boolean
}

/** A state or a loop of a random program. */
export type Node =
  | ({ kind: 'task' | 'ask'; fails: number } & Handled)
  | { kind: 'wait'; seconds: number }
  | { kind: 'loop'; times: number; body: Node[] }
  | ({ kind: 'parallel'; branches: Node[][] } & Handled)
  | ({ kind: 'map'; items: number; atOnce: number; body: Node[] } & Handled)

const kind = <Kind extends Node['kind']>(name: Kind) => fc.constant(name)
const upTo2 = fc.nat({ max: 2 })
const handled = { retries: upTo2, isCaught: fc.boolean() }

export const programs: fc.Arbitrary<Node[]> = fc.letrec<{ sequence: Node[]; node: Node }>((tie) => ({
  sequence: fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.record({ kind: fc.constantFrom('task' as const, 'ask' as const), fails: upTo2, ...handled }),
    fc.record({ kind: kind('wait'), seconds: fc.nat({ max: 100 }) }),
    fc.record({ kind: kind('loop'), times: fc.integer({ min: 1, max: 3 }), body: tie('sequence') }),
    fc.record({
      kind: kind('parallel'),
      branches: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }),
      ...handled,
    }),
    fc.record({
      kind: kind('map'),
      items: fc.nat({ max: 3 }),
      atOnce: fc.integer({ min: 1, max: 2 }),
      body: tie('sequence'),
      ...handled,
    }),
  ),
})).sequence

/**
 * The data of a program: `last` is the output of the state before, `round` the retries of the enclosing Parallel or
 * Map.
 */
export const start = { round: 0, above: null, turns: {}, item: 0, last: null, items: [[], [0], [0, 1], [0, 1, 2]] }

type States = Record<string, object>
interface Machine {
  StartAt: string
  States: States
}

/** The program in Amazon States Language. */
export function definitionOf(program: Node[]): Machine {
  let count = 0
  const newName = (kind: string) => `${kind}${++count}`
  const sequence = (nodes: Node[]): Machine => {
    const end = newName('end')
    const States: States = { [end]: { Type: 'Succeed' } }
    return { StartAt: chain(nodes, end, States), States }
  }
  const chain = (nodes: Node[], next: string, states: States): string =>
    nodes.reduceRight((after, node) => write(node, after, states), next)

  function write(node: Node, next: string, states: States): string {
    const name = newName(node.kind)
    if (node.kind === 'loop') writeLoop(name, node, next, states)
    else if (node.kind === 'wait') states[name] = { Type: 'Wait', Seconds: node.seconds, Next: next }
    else
      states[name] = { ...effectOf(name, node, sequence), ...handlersOf(node, next), ResultPath: '$.last', Next: next }
    return name
  }

  function writeLoop(name: string, { times, body }: { times: number; body: Node[] }, next: string, states: States) {
    const [add, test] = [newName('add'), newName('test')]
    const first = chain(body, add, states)
    const isBelow = { Variable: `$.turns.${name}`, NumericLessThan: times, Next: first }
    states[name] = { Type: 'Pass', Result: 0, ResultPath: `$.turns.${name}`, Next: first }
    const Payload = { name: add, 'data.$': '$', 'count.$': `$.turns.${name}` }
    states[add] = { ...invoke('Add', Payload), OutputPath: '$.Payload', Next: `${add}Kept` }
    states[`${add}Kept`] = {
      Type: 'Pass',
      InputPath: '$.count',
      ResultPath: `$.data.turns.${name}`,
      OutputPath: '$.data',
      Next: test,
    }
    states[test] = { Type: 'Choice', Choices: [isBelow], Default: next }
  }
  return sequence(program)
}

function effectOf(
  name: string,
  node: Exclude<Node, { kind: 'wait' | 'loop' }>,
  sequence: (nodes: Node[]) => Machine,
): object {
  const above = { 'round.$': '$.round', 'item.$': '$.item', 'above.$': '$.above' }
  const inside = {
    'round.$': '$$.State.RetryCount',
    above,
    'turns.$': '$.turns',
    'last.$': '$.last',
    'items.$': '$.items',
  }
  if (node.kind === 'parallel')
    return { Type: 'Parallel', Parameters: { ...inside, item: 0 }, Branches: node.branches.map(sequence) }
  if (node.kind === 'map') {
    const ItemSelector = { ...inside, 'item.$': '$$.Map.Item.Index' }
    const ItemProcessor = sequence(node.body)
    return {
      Type: 'Map',
      ItemsPath: `$.items[${node.items}]`,
      MaxConcurrency: node.atOnce,
      ItemSelector,
      ItemProcessor,
    }
  }
  const Payload = { name, fails: node.fails, 'attempt.$': '$$.State.RetryCount', 'data.$': '$' }
  return node.kind === 'task' ? invoke('Work', Payload) : invoke('Ask', { ...Payload, 'token.$': '$$.Task.Token' })
}

function invoke(FunctionName: string, Payload: object): object {
  const Resource = `arn:aws:states:::lambda:invoke${FunctionName === 'Ask' ? '.waitForTaskToken' : ''}`
  return { Type: 'Task', Resource, Parameters: { FunctionName: `\${${FunctionName}}`, Payload } }
}

function handlersOf({ retries, isCaught }: Handled, next: string): object {
  const ErrorEquals = ['Boom']
  const Retry = [{ ErrorEquals, MaxAttempts: retries, IntervalSeconds: 5, JitterStrategy: 'FULL' }]
  return { Retry, ...(isCaught && { Catch: [{ ErrorEquals, ResultPath: '$.last', Next: next }] }) }
}
