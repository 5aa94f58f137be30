import { Aspects } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { App, getStack } from 'sst/constructs'
import { useFunctions } from 'sst/constructs/Function.js'
import { initProject, useProject } from 'sst/project.js'
import { useRuntimeHandlers } from 'sst/runtime/handlers.js'
import { Alarms } from '../../stacks/alarms.ts'
import { Api } from '../../stacks/api.ts'
import { Events } from '../../stacks/events.ts'
import { Identity } from '../../stacks/identity.ts'
import { Operator } from '../../stacks/operator.ts'
import { Queues } from '../../stacks/queues.ts'
import { Reactions } from '../../stacks/reactions.ts'
import { Storage } from '../../stacks/storage.ts'
import { Timers } from '../../stacks/timers.ts'
import { Workflows } from '../../stacks/workflows.ts'
import config from '../../sst.config.ts'
import type { Deployment, Resource } from './deployment.ts'
import { nameOf } from './grants.ts'

/** The settings of a deployment, in environment variables. */
const settings = [
  'MAIL_FROM',
  'API_URL',
  'CORS_ORIGINS',
  'ALARM_EMAIL',
  'AWS_ENDPOINT_URL',
  'ADDITIONAL_ROWS',
  'TIMESTREAM_TABLE',
] as const
type Told = Partial<Record<(typeof settings)[number], string>>

/** Synthesises all stacks offline. Only the functions named are bundled. */
export async function synthesise(
  stage: string,
  { bundled = [], told = {} }: { bundled?: string[]; told?: Told } = {},
): Promise<Deployment> {
  for (const name of settings) {
    delete process.env[name]
    if (told[name] !== undefined) process.env[name] = told[name]
  }
  await initProject({ stage })
  buildOnly(bundled)
  const app = new App({ mode: 'deploy', stage, name: 'cloudoptima', region: 'us-east-1' })
  await config.stacks(app)
  Aspects.of(app).add(new AwsSolutionsChecks())
  await app.finish()
  // Another stage that is synthesised later has ids of its own for the same handlers.
  const idOf = new Map(Object.entries(useFunctions().all).map(([id, { handler }]) => [handler, id]))
  const { artifacts } = useProject().paths
  const stacks = {
    alarms: Alarms,
    storage: Storage,
    events: Events,
    identity: Identity,
    workflows: Workflows,
    api: Api,
    queues: Queues,
    timers: Timers,
    reactions: Reactions,
    operator: Operator,
  }
  const all = Object.entries(stacks).flatMap(([name, stack]) => {
    const { Resources } = Template.fromStack(getStack(stack)).toJSON() as { Resources: Record<string, Resource> }
    return Object.entries(Resources).map(([id, resource]): [string, Resource] => [`${name}/${id}`, resource])
  })
  const resources: Deployment['resources'] = (type) => all.filter(([, resource]) => resource.Type === type)
  return {
    resources,
    only: (type, beginning = '') => {
      const [found, ...others] = resources(type).filter(([id]) => id.startsWith(beginning))
      if (!found || others.length > 0)
        throw new Error(`Not one but ${found ? others.length + 1 : 0} ${type} ${beginning}`)
      return found[1].Properties
    },
    variables: (name) => {
      const [, found] = resources('AWS::Lambda::Function').find(([id]) => nameOf(id) === name) ?? []
      const { Variables = {} } = (found?.Properties['Environment'] ?? {}) as { Variables?: Record<string, unknown> }
      return Object.fromEntries(Object.entries(Variables).filter(([variable]) => !/^(SST|AWS)_/.test(variable)))
    },
    findings: app
      .synth()
      .stacks.flatMap(({ messages }) =>
        messages.flatMap(({ id, entry }) =>
          /^aws:cdk:(error|warning)$/.test(entry.type) ? `${id}: ${JSON.stringify(entry.data)}` : [],
        ),
      ),
    reasons: all.flatMap(([, resource]) => reasonsOf(resource)),
    bundle: (handler) => `${artifacts}/${idOf.get(handler) ?? ''}/functions`,
  }
}

function buildOnly(bundled: string[]): void {
  const handlers = useRuntimeHandlers()
  const build = handlers.build.bind(handlers)
  handlers.build = async (id, mode) => {
    const { handler = '', nodejs } = useFunctions().fromID(id) ?? {}
    // Native code would have to be downloaded.
    if (nodejs) nodejs.install = []
    return bundled.includes(handler)
      ? await build(id, mode)
      : { type: 'success', out: 'functions', handler, sourcemap: undefined }
  }
}

function reasonsOf(
  resource: Resource & { Metadata?: { cdk_nag?: { rules_to_suppress: { reason: string }[] } } },
): string[] {
  return (resource.Metadata?.cdk_nag?.rules_to_suppress ?? []).map(({ reason }) => reason)
}
