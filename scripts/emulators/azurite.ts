import { spawn, spawnSync } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const version = '3.37.0'

/** Microsoft's emulator of Blob storage, once installed: it has 450 packages, so it is no dependency of the project. */
export const azuriteIn = (root: string) => join(root, '.cache', `azurite-${version}`)

/** Installs the emulator into an ignored folder, once. */
export async function installAzurite(root: string): Promise<void> {
  const folder = azuriteIn(root)
  if (existsSync(mainOf(folder))) return
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }))
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `azurite@${version}`]
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`npm could not install azurite ${version} in ${folder}`)
}

const mainOf = (folder: string) => join(folder, 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js')

export const isInstalled = (root: string) => existsSync(mainOf(azuriteIn(root)))

/** A certificate and its key for 127.0.0.1, as files in the folder. */
export function certificateIn(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject]
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`)
  return { cert, key }
}

/** Starts the emulator over TLS, with bearer tokens, and with these storage accounts. */
export async function startAzurite(root: string, folder: string, accounts: readonly string[]) {
  const { cert, key } = certificateIn(folder)
  const log = join(folder, 'azurite.log')
  const output = openSync(log, 'w')
  const tls = ['--oauth', 'basic', '--cert', cert, '--key', key]
  const child = spawn(
    process.execPath,
    [mainOf(azuriteIn(root)), '--blobPort', '0', '--location', folder, '--disableTelemetry', ...tls],
    {
      stdio: ['ignore', output, output],
      env: { ...process.env, AZURITE_ACCOUNTS: accounts.map((name) => `${name}:${btoa('key')}`).join(';') },
    },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill()
    await ended
  }
  for (let waited = 0; waited < 30_000; waited += 100) {
    const url = /successfully listen(?:s|ing) on (https:\S+)/.exec(readFileSync(log, 'utf8'))?.[1]
    if (url !== undefined) return { url, cert, key, stop }
    if (child.exitCode !== null) break
    await sleep(100)
  }
  await stop()
  throw new Error(`azurite did not start: ${readFileSync(log, 'utf8')}`)
}
