import { describe, expect, test } from 'vitest'
import { complaintOfRule, holds } from './choice.ts'
import { StateError } from './error.ts'
import { parse } from './parse.ts'
import { combine, find, isPath, isReference } from './path.ts'

const context = {
  Execution: { Name: 'run', Input: { deep: [1] }, StartTime: '2026-11-28T00:00:00.000Z' },
  State: { Name: 'S', RetryCount: 2 },
}

describe('a path', () => {
  test.each([
    ['$', { a: 1 }, { a: 1 }],
    ['$', null, null],
    ['$.a', { a: null }, null],
    ['$.a', 5, undefined],
    ['$.a.b[1]', { a: { b: [1, 2] } }, 2],
    ["$['a b'].c", { 'a b': { c: 3 } }, 3],
    ['$.a[*].b', { a: [{ b: 1 }] }, [1]],
    ['$.a[*]', { a: [] }, []],
    ['$..b', { a: { b: 1 }, b: 2 }, [2, 1]],
    ['$.a.b', { a: {} }, undefined],
    ['$$.Execution.Input.deep[0]', {}, 1],
    ['$$.State.RetryCount', {}, 2],
  ])('%s of %j is %j', (path, data, value) => expect(find(path, data, context)).toEqual(value))

  test.each(['$.a', '$', "$['a']", '$[0].err', '$$.Task.Token', '$$.Map.Item.Value.id', '$.a[*]'])(
    '%s is known',
    (path) => expect(isPath(path)).toBe(true),
  )
  test.each([
    'a',
    '',
    '$a',
    '$.a[?(@.b > 1)]',
    '$.length()',
    '$$.State.EnteredTime',
    '$$.Execution.Id',
    '$$.Nothing',
    'States.UUID()',
  ])('%s is refused', (path) => expect(isPath(path)).toBe(false))
  test('a result goes to one place only', () => {
    expect(['$', '$.a', '$.a[0].b'].map(isReference)).toEqual([true, true, true])
    expect(['$.a[*]', '$..a', '$.a[0:2]', '$$.Task.Token'].map(isReference)).toEqual([false, false, false, false])
  })
})

describe('ResultPath', () => {
  test.each([
    [undefined, { a: 1 }, 'r', 'r'],
    [null, { a: 1 }, 'r', { a: 1 }],
    ['$', { a: 1 }, 'r', 'r'],
    ['$.a', { a: 1, b: 2 }, 'r', { a: 'r', b: 2 }],
    ['$.a.b', { c: 1 }, 'r', { c: 1, a: { b: 'r' } }],
    ['$[0].err', [{ a: 1 }, 2], 'r', [{ a: 1, err: 'r' }, 2]],
    ['$.a.__proto__', {}, 'r', { a: { ['__proto__']: 'r' } }],
  ])('%s of %j', (path, input, result, output) => {
    const before = structuredClone(input)
    expect(combine(path, input, result)).toStrictEqual(output)
    expect(input).toStrictEqual(before)
  })
  test.each([
    ['$.a', 5],
    ['$.a.b', { a: 5 }],
    ['$[2]', [1, 2]],
    ['$[0].a', [null]],
  ])('%s has no place in %j', (path, input) =>
    expect(() => combine(path, input, 'r')).toThrow(expect.objectContaining({ name: 'States.ResultPathMatchFailure' })),
  )
})

describe('a rule of a Choice state', () => {
  const data = {
    text: 'b',
    n: 2,
    yes: true,
    at: '2026-11-28T00:00:00Z',
    none: null,
    list: [1],
    path: 'a\\b*c',
    other: 3,
  }
  const rule = (operator: string, operand: unknown, Variable: string) => ({ Variable, [operator]: operand })
  test.each([
    ['StringEquals', 'b', '$.text', true],
    ['StringEquals', 'c', '$.text', false],
    ['StringLessThan', 'c', '$.text', true],
    ['StringGreaterThanEquals', 'b', '$.text', true],
    ['StringMatches', '*\\\\b\\*c', '$.path', true],
    ['StringMatches', 'a.b', '$.path', false],
    ['StringMatches', '*', '$.n', false],
    ['NumericEquals', 2, '$.n', true],
    ['NumericLessThan', 2, '$.n', false],
    ['NumericLessThanEquals', 2, '$.n', true],
    ['NumericGreaterThanPath', '$.other', '$.n', false],
    ['NumericGreaterThan', 1, '$.text', false],
    ['BooleanEquals', true, '$.yes', true],
    ['BooleanEquals', false, '$.text', false],
    ['TimestampEquals', '2026-11-28T01:00:00+01:00', '$.at', true],
    ['TimestampLessThan', '2026-11-28T00:00:00.001Z', '$.at', true],
    ['TimestampLessThan', '2027-01-01T00:00:00Z', '$.text', false],
    ['IsNull', true, '$.none', true],
    ['IsNull', false, '$.text', true],
    ['IsPresent', false, '$.nothing', true],
    ['IsPresent', true, '$.none', true],
    ['IsNumeric', true, '$.n', true],
    ['IsString', false, '$.n', true],
    ['IsBoolean', true, '$.yes', true],
    ['IsTimestamp', true, '$.at', true],
    ['IsTimestamp', true, '$.text', false],
  ])('%s %j of %s', (operator, operand, variable, outcome) => {
    expect(complaintOfRule(rule(operator, operand, variable))).toBeUndefined()
    expect(holds(rule(operator, operand, variable), data, context)).toBe(outcome)
  })

  test('is joined and turned round by And, Or and Not', () => {
    const [yes, no] = [rule('IsPresent', true, '$.text'), rule('IsPresent', true, '$.nothing')]
    expect(holds({ And: [yes, yes] }, data, context)).toBe(true)
    expect(holds({ And: [yes, no] }, data, context)).toBe(false)
    expect(holds({ Or: [no, yes] }, data, context)).toBe(true)
    expect(holds({ Or: [no, { Not: yes }] }, data, context)).toBe(false)
    expect(() => holds(rule('IsNull', true, '$.nothing'), data, context)).toThrow(StateError)
  })

  test.each([
    rule('StringLikes', 'x', '$.a'),
    rule('NumericEquals', 'x', '$.a'),
    rule('NumericMatches', 1, '$.a'),
    rule('IsNull', 'yes', '$.a'),
    rule('StringEqualsPath', 'a', '$.a'),
    rule('TimestampEquals', 'today', '$.a'),
    rule('StringEquals', 'x', 'a'),
    { StringEquals: 'x' },
    { ...rule('StringEquals', 'x', '$.a'), IsNull: true },
    { And: [rule('StringLikes', 'x', '$.a')] },
    { Not: rule('StringLikes', 'x', '$.a') },
    { Or: 'x' },
  ])('%j is refused', (given) => expect(complaintOfRule(given)).toBeTypeOf('string'))
})

describe('a definition', () => {
  const pass = { Type: 'Pass', End: true }
  const task = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: '${Step}', 'Payload.$': '$' },
    End: true,
  }
  const parsed = (States: Record<string, object>, more: object = {}) =>
    parse('w', { StartAt: Object.keys(States)[0], States, ...more }, ['Step'])

  test('is read with the defaults of Step Functions', () => {
    const Retry = [{ ErrorEquals: ['States.ALL'] }]
    expect(
      parsed({
        A: { ...task, Retry },
        B: { Type: 'Map', ItemProcessor: { StartAt: 'C', States: { C: pass } }, End: true },
      }),
    ).toMatchObject({
      States: {
        A: {
          TimeoutSeconds: 99_999_999,
          Retry: [{ IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2, JitterStrategy: 'NONE' }],
        },
        B: { MaxConcurrency: 40 },
      },
    })
  })

  test.each([
    ['a field that is not known', { A: { ...pass, Assign: {} } }, 'Assign'],
    ['a heartbeat', { A: { ...task, HeartbeatSeconds: 5 } }, 'HeartbeatSeconds'],
    ['another query language', { A: { ...pass, QueryLanguage: 'JSONata' } }, 'QueryLanguage'],
    [
      'a distributed Map',
      {
        A: {
          Type: 'Map',
          ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'B', States: { B: pass } },
          End: true,
        },
      },
      'INLINE',
    ],
    ['an intrinsic function', { A: { ...pass, Parameters: { deep: [{ 'x.$': 'States.UUID()' }] } } }, 'States.UUID()'],
    ['a filter', { A: { ...pass, InputPath: '$.a[?(@.b)]' } }, 'InputPath'],
    ['another service', { A: { ...task, Resource: 'arn:aws:states:::sqs:sendMessage' } }, 'Resource'],
    [
      'a parameter of the invocation',
      { A: { ...task, Parameters: { ...task.Parameters, Qualifier: '1' } } },
      'FunctionName and Payload',
    ],
    ['a function that is not there', { A: { ...task, Parameters: { FunctionName: '${Other}' } } }, 'Other'],
    ['a function by its ARN', { A: { ...task, Parameters: { FunctionName: 'arn:aws:lambda:f' } } }, 'FunctionName'],
    ['a state that is not there', { A: { Type: 'Pass', Next: 'B' } }, 'missing state: B'],
    ['a state that leads nowhere', { A: { Type: 'Pass' } }, 'Next and End'],
    [
      'two states of one name',
      { A: { Type: 'Parallel', Branches: [{ StartAt: 'A', States: { A: pass } }], End: true } },
      'name A',
    ],
    ['a wait for nothing', { A: { Type: 'Wait', End: true } }, 'exactly one'],
    ['a wait for two things', { A: { Type: 'Wait', Seconds: 1, SecondsPath: '$.s', End: true } }, 'exactly one'],
    [
      'an operator that is not known',
      { A: { Type: 'Choice', Choices: [{ Variable: '$', StringLikes: 'x', Next: 'A' }] } },
      'StringLikes',
    ],
    ['a result in many places', { A: { ...pass, ResultPath: '$.a[*]' } }, 'ResultPath'],
  ])('with %s is refused', (_, States, complaint) => expect(() => parsed(States)).toThrow(complaint))

  test('with a time limit of its own is refused', () =>
    expect(() => parsed({ A: pass }, { TimeoutSeconds: 5 })).toThrow('TimeoutSeconds'))
})
