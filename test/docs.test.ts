import { existsSync } from 'node:fs'
import { glob, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

async function documents(): Promise<string[]> {
  return ['README.md', ...(await readdir(join(root, 'docs'))).map((name) => `docs/${name}`)]
}

/** GitHub's anchors of the headings. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text.toLowerCase())
  return headings.map((text) => text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-'))
}

test('every relative link of the documents leads to an existing file and heading', async () => {
  const broken: string[] = []
  let links = 0
  for (const name of await documents()) {
    const text = await readFile(join(root, name), 'utf8')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (link.startsWith('https:')) continue
      links++
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(root, name) : join(root, dirname(name), path)
      const isValid =
        existsSync(target) && (anchor === undefined || anchorsOf(await readFile(target, 'utf8')).includes(anchor))
      if (!isValid) broken.push(`${name}: ${link}`)
    }
  }
  expect(broken).toEqual([])
  expect(links).toBeGreaterThan(10)
})

test('every npm command in the documents exists', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const name of await documents()) {
    const named = [...(await readFile(join(root, name), 'utf8')).matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(
      ([, script = '']) => script,
    )
    expect([name, named.filter((script) => !(script in scripts))]).toEqual([name, []])
  }
})

test('every partial path in a document matches exactly one file', async () => {
  const folders = ['packages', 'functions', 'stacks', 'scripts', 'test']
  const exclude = (path: string) => path.endsWith('node_modules')
  const files: string[] = []
  for await (const path of glob(
    folders.map((folder) => `${folder}/**/*.{ts,sql,json}`),
    { cwd: root, exclude },
  ))
    files.push(`/${path}`)
  const wrong: string[] = []
  for (const name of (await documents()).filter((document) => document !== 'README.md')) {
    const text = await readFile(join(root, name), 'utf8')
    for (const [, named = ''] of text.matchAll(/`([\w/.-]+\.(?:ts|sql|asl\.json))`/g)) {
      const found = files.filter((path) => path.endsWith(`/${named}`))
      if (found.length !== 1) wrong.push(`${name}: ${named} is ${found.join(', ') || 'missing'}`)
    }
  }
  expect(wrong).toEqual([])
})
