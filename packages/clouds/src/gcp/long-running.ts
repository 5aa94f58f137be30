import { Refusal } from '../answers.ts'
import { type BillingAccount, changeOf, type Effect, type Failure, type Question, type Running } from './operation.ts'
import { numberOf } from './resource.ts'

interface Begun {
  target: { id: string; path: string; scope?: string }
  operationType: string
  seconds: number
  /** How the service refuses a second operation on the target. */
  busy: [reason: string, status: number]
}

/** Ends the operations whose time has come. */
export function settle(account: BillingAccount, now: Date): void {
  for (const operation of account.operations) if (operation.endTime <= now) finish(account, operation)
}

/** Ends an operation, if it has not ended. */
export function finish(account: BillingAccount, operation: Running): void {
  const { end } = operation
  operation.end = undefined
  if (end) operation.error = take(account, end())
}

function take(account: BillingAccount, { changes = [], created = [], error }: Effect): Failure | undefined {
  for (const [resource, change] of changes) {
    // The list is made anew each hour.
    const current = account.resources.find(({ number }) => number === resource.number) ?? resource
    changeOf(account, current, change)
  }
  account.created.push(...created)
  return error
}

/**
 * Begins an operation, or answers the one of the same `requestId`. `at once` is visible before its end.
 * https://cloud.google.com/compute/docs/api/how-tos/requests
 */
export function begin(question: Question, begun: Begun, end: () => Effect, atOnce: () => Effect = () => ({})): Running {
  const { account, project, now, query, canAct, call } = question
  if (!canAct) throw new Refusal('ACCESS_TOKEN_SCOPE_INSUFFICIENT', 403)
  const requestId = query.get('requestId') ?? undefined
  const earlier = account.operations.find((each) => requestId !== undefined && each.requestId === requestId)
  if (earlier) return earlier
  const { target, operationType, seconds, busy } = begun
  if (account.operations.some((each) => each.project === project && each.targetId === target.id && each.end))
    throw new Refusal(...busy)
  take(account, atOnce())
  const operation: Running = {
    project,
    scope: target.scope ?? '',
    name: `operation-${numberOf(`${call} ${account.operations.length}`)}`,
    operationType,
    targetId: target.id,
    path: target.path,
    requestId,
    insertTime: now,
    endTime: new Date(now.getTime() + seconds * 1000),
    end,
    error: undefined,
  }
  account.operations.push(operation)
  return operation
}

/** https://cloud.google.com/compute/docs/reference/rest/v1/zoneOperations#resource:-operation */
export function shown({ scope, name, operationType, targetId, path, requestId, project, end, error }: Running) {
  const link = `https://www.googleapis.com/compute/v1/projects/${project}`
  const [kind = '', place] = scope.split('/')
  return {
    kind: 'compute#operation',
    name,
    ...(place !== undefined && { [kind.slice(0, -1)]: `${link}/${scope}` }),
    operationType,
    targetId,
    targetLink: `${link}/${path}`,
    ...(requestId !== undefined && { clientOperationId: requestId }),
    status: end ? 'RUNNING' : 'DONE',
    progress: end ? 0 : 100,
    ...(error && { error: { errors: [error] }, httpErrorStatusCode: 400, httpErrorMessage: 'BAD REQUEST' }),
  }
}

/** https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/operations */
export function shownSql({ name, operationType, targetId, project, insertTime, end, error }: Running) {
  return {
    kind: 'sql#operation',
    name,
    operationType,
    status: end ? 'RUNNING' : 'DONE',
    targetId,
    targetProject: project,
    insertTime,
    ...(error && { error: { kind: 'sql#operationErrors', errors: [{ kind: 'sql#operationError', ...error }] } }),
  }
}
