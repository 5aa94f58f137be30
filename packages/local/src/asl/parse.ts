import * as z from 'zod'
import { type Machine, machineSchema, type State, stepOf } from './definition.ts'

export function parse(workflow: string, definition: unknown, steps: readonly string[]): Machine {
  const parsed = machineSchema.safeParse(definition)
  if (!parsed.success) throw refused(workflow, z.prettifyError(parsed.error))
  const complaints = [...complaintsOf(parsed.data, steps)]
  const names = [...machinesIn(parsed.data)].flatMap(({ States }) => Object.keys(States))
  for (const name of new Set(names))
    if (names.indexOf(name) !== names.lastIndexOf(name)) complaints.push(`two states have the name ${name}`)
  if (complaints.length > 0) throw refused(workflow, complaints.join('\n'))
  return parsed.data
}

const refused = (workflow: string, complaints: string): Error =>
  new Error(`The embedded interpreter cannot run the workflow ${workflow}:\n${complaints}`)

function* machinesIn(machine: Machine): Generator<Machine> {
  yield machine
  for (const state of Object.values(machine.States))
    for (const inside of state.Type === 'Parallel' ? state.Branches : state.Type === 'Map' ? [state.ItemProcessor] : [])
      yield* machinesIn(inside)
}

function* complaintsOf(whole: Machine, steps: readonly string[]): Generator<string> {
  for (const { StartAt, States } of machinesIn(whole)) {
    if (!Object.hasOwn(States, StartAt)) yield `StartAt names a missing state: ${StartAt}`
    for (const [name, state] of Object.entries(States)) {
      const ends = state.Type === 'Choice' || state.Type === 'Succeed' || state.Type === 'Fail'
      if (!ends && (state.Next === undefined) !== (state.End === true))
        yield `${name} must have exactly one of Next and End`
      for (const target of targetsOf(state))
        if (!Object.hasOwn(States, target)) yield `${name} leads to a missing state: ${target}`
      if (state.Type === 'Task' && !steps.includes(stepOf(state)))
        yield `${name} invokes a missing function: ${stepOf(state)}`
    }
  }
}

function targetsOf(state: State) {
  const next = 'Next' in state && state.Next !== undefined ? [state.Next] : []
  const caught = 'Catch' in state ? state.Catch.map(({ Next }) => Next) : []
  const chosen = state.Type === 'Choice' ? [...state.Choices.map(({ Next }) => Next), state.Default ?? []].flat() : []
  return [...next, ...caught, ...chosen]
}
