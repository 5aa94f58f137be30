import { Aspects } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { App, getStack } from 'sst/constructs'
import { useFunctions } from 'sst/constructs/Function.js'
import { initProject, useProject } from 'sst/project.js'
import { useRuntimeHandlers } from 'sst/runtime/handlers.js'
import { Api } from '../../stacks/api.ts'
import { Events } from '../../stacks/events.ts'
import { Pipeline } from '../../stacks/pipeline.ts'
import { Storage } from '../../stacks/storage.ts'
import config from '../../sst.config.ts'

export interface Resource {
  Type: string
  Properties: Record<string, unknown>
  DeletionPolicy?: string
}

/** What would be deployed to a stage. */
export interface Deployment {
  /** All resources of a type, by `stack/logical id`. */
  resources(type: string): [id: string, resource: Resource][]
  /** What cdk-nag found wrong. */
  findings: string[]
  /** Why cdk-nag was told to be silent. */
  reasons: string[]
  /** Folder of a function's bundle. */
  bundle(handler: string): string
}

/** Synthesises all stacks offline. Only the functions named are bundled: DuckDB would have to be downloaded. */
export async function synthesise(stage: string, bundled: string[] = []): Promise<Deployment> {
  await initProject({ stage })
  buildOnly(bundled)
  const app = new App({ mode: 'deploy', stage, name: 'cloudoptima', region: 'us-east-1' })
  config.stacks(app)
  Aspects.of(app).add(new AwsSolutionsChecks())
  await app.finish()
  // Another stage that is synthesised later has ids of its own for the same handlers.
  const idOf = new Map(Object.entries(useFunctions().all).map(([id, { handler }]) => [handler, id]))
  const { artifacts } = useProject().paths
  const stacks = { storage: Storage, events: Events, pipeline: Pipeline, api: Api }
  const all = Object.entries(stacks).flatMap(([name, stack]) => {
    const { Resources } = Template.fromStack(getStack(stack)).toJSON() as { Resources: Record<string, Resource> }
    return Object.entries(Resources).map(([id, resource]): [string, Resource] => [`${name}/${id}`, resource])
  })
  return {
    resources: (type) => all.filter(([, resource]) => resource.Type === type),
    findings: app
      .synth()
      .stacks.flatMap(({ messages }) =>
        messages.flatMap(({ id, entry }) => (/^aws:cdk:(error|warning)$/.test(entry.type) ? `${id}: ${JSON.stringify(entry.data)}` : [])),
      ),
    reasons: all.flatMap(([, resource]) => reasonsOf(resource)),
    bundle: (handler) => `${artifacts}/${idOf.get(handler) ?? ''}/functions`,
  }
}

function buildOnly(bundled: string[]): void {
  const handlers = useRuntimeHandlers()
  const build = handlers.build.bind(handlers)
  handlers.build = async (id, mode) => {
    const { handler = '' } = useFunctions().fromID(id) ?? {}
    return bundled.includes(handler) ? await build(id, mode) : { type: 'success', out: 'functions', handler, sourcemap: undefined }
  }
}

function reasonsOf(resource: Resource & { Metadata?: { cdk_nag?: { rules_to_suppress: { reason: string }[] } } }): string[] {
  return (resource.Metadata?.cdk_nag?.rules_to_suppress ?? []).map(({ reason }) => reason)
}
