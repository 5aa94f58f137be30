import { cp, rm } from 'node:fs/promises'
import { useRuntimeHandlers, type RuntimeHandler } from 'sst/runtime/handlers.js'

type Built = Awaited<ReturnType<RuntimeHandler['build']>>

/** Bundles a handler once for all functions that share it; SST would bundle it again for each of them. */
export function shareBuilds(runtime: string): void {
  const node = useRuntimeHandlers().for(runtime)
  const build = node.build.bind(node)
  const shared = new Map<string, Promise<{ built: Built; files: string }>>()
  node.build = async (input) => {
    if (input.mode !== 'deploy') return await build(input)
    const { handler, nodejs, architecture } = input.props
    const key = JSON.stringify([handler, nodejs, architecture])
    const known = shared.get(key)
    if (known) {
      const { built, files } = await known
      await cp(files, input.out, { recursive: true })
      return built
    }
    const made = (async () => {
      const built = await build(input)
      const files = `${input.out}-shared`
      await rm(files, { recursive: true, force: true })
      // A copy, because the hooks of the first function add files to its own.
      await cp(input.out, files, { recursive: true })
      return { built, files }
    })()
    shared.set(key, made)
    return (await made).built
  }
}
