import type { ActionName, ActionOrder, ActionParameters } from '@cloudoptima/core'
import { onTestFinished } from 'vitest'
import type { ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { collection, serve } from '../collect/testing.ts'

/** An action on a resource that Azure describes by a document, and answers changes of it by `answer`. */
export async function actionOn(
  name: ActionName,
  given: { id: string; document: object; parameters?: ActionParameters; answer?: (request: ReceivedRequest) => Reply },
) {
  const { id, document, parameters = {}, answer = () => ({ status: 202, body: '' }) } = given
  const changes: ReceivedRequest[] = []
  const azure = await serve({
    override: (request) => {
      if (!request.path.startsWith('/subscriptions/')) return undefined
      if (request.method === 'GET') return request.path.startsWith(encodeURI(id)) ? { body: document } : answer(request)
      changes.push(request)
      return answer(request)
    },
  })
  onTestFinished(async () => await azure.close())
  const { azure: provider, access, taken } = collection(azure.url)
  const action = await provider.action(access, name)
  if (!action) throw new Error(`Azure has no ${name}`)
  const target = { id, kind: 'instance', region: 'westeurope' } as const
  const before = (await action.readState(target)) ?? {}
  const order: ActionOrder = { target, parameters, before, after: before, token: 'a'.repeat(32), memory: {} }
  return { action, order, changes, taken, plan: async () => await action.plan({ target, parameters, before }) }
}
