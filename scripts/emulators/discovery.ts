import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../python.ts'

const release = '2.202.0'

/** Google's discovery document of an API (`compute.v1`), from the package of its Python client. */
export function discoveryOf(root: string, api: string): unknown {
  const folder = join(root, '.venv', `google-api-python-client-${release}`)
  const file = join(folder, 'googleapiclient', 'discovery_cache', 'documents', `${api}.json`)
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', folder]
  if (!existsSync(file)) run('python3', [...pip, `google-api-python-client==${release}`])
  return JSON.parse(readFileSync(file, 'utf8'))
}
