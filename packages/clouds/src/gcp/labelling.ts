import { createHash } from 'node:crypto'
import { Refusal } from '../answers.ts'
import type { Operation, Operations, Question } from './operation.ts'
import type { GcpResource } from './resource.ts'

const fingerprintOf = (labels: object) =>
  createHash('sha256')
    .update(JSON.stringify(Object.entries(labels).toSorted()))
    .digest('base64')
    .slice(0, 12)

const collections = ['instances', 'disks', 'snapshots', 'addresses'] as const

function found({ all, named: { place = '', name } }: Question, collection: string): GcpResource {
  const resource = all(`compute/${collection}`).find(
    (each) => (each.name === name || each.number === name) && each.path.startsWith(place),
  )
  if (!resource) throw new Refusal('notFound', 404)
  return resource
}

const shown =
  (collection: string): Operation =>
  (question) => {
    const { number: id, name, labels } = found(question, collection)
    return { id, name, labels, labelFingerprint: fingerprintOf(labels) }
  }

const most = 64

/** Answers with an operation that has begun; waiting ends it. */
const labelled =
  (collection: string): Operation =>
  (question) => {
    const { canAct, body, account } = question
    if (!canAct) throw new Refusal('ACCESS_TOKEN_SCOPE_INSUFFICIENT', 403)
    const resource = found(question, collection)
    const asked = JSON.parse(body) as { labels: Record<string, string>; labelFingerprint?: string }
    if (asked.labelFingerprint !== fingerprintOf(resource.labels)) throw new Refusal('conditionNotMet', 412)
    if (Object.keys(asked.labels).length > most) throw new Refusal('invalid', 400)
    account.relabelled.set(resource.number, asked.labels)
    resource.labels = asked.labels
    return { kind: 'compute#operation', name: `operation-${resource.number}`, status: 'RUNNING', progress: 0 }
  }

const path = '/compute/v1/projects/{project}/{place*}'

/** https://cloud.google.com/compute/docs/reference/rest/v1/instances/setLabels */
export const labelling: Operations = {
  'compute.operations.wait': [
    `${path}/operations/{name}/wait`,
    ({ named }) => ({ kind: 'compute#operation', name: named['name'], status: 'DONE', progress: 100 }),
  ],
  ...Object.fromEntries(
    collections.flatMap((collection) => [
      [`compute.${collection}.setLabels`, [`${path}/${collection}/{name}/setLabels`, labelled(collection)]],
      [`compute.${collection}.get`, [`${path}/${collection}/{name}`, shown(collection)]],
    ]),
  ),
}
