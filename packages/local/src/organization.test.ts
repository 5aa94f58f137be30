import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Identity } from '@cloudoptima/core'
import { memoryRuntime, replacing, testContext } from '@cloudoptima/core/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { emailsOf, orgId, populate, sampleOrgId } from './organization.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-people-'))
  await mkdir(join(dataDir, 'keys'))
})
afterEach(async () => await rm(dataDir, { recursive: true, force: true }))

const everybody = [...emailsOf(orgId), ...emailsOf(sampleOrgId)]

test.each(everybody.map((_, index) => index))(
  'if the first start is killed after %i users, the next start creates the others',
  async (made) => {
    const runtime = memoryRuntime()
    const { emails } = runtime.tables
    let left = made
    const insert: typeof emails.insert = async (...entry) => {
      if (left-- === 0) throw new Error('killed')
      await emails.insert(...entry)
    }
    const dying = { ...runtime, tables: replacing(runtime.tables, { emails: { ...emails, insert } }) }
    await expect(populate(dying, dataDir)).rejects.toThrow('killed')
    await populate(runtime, dataDir)
    const found = await Promise.all(
      everybody.map(async (email) => await Identity.Email.find(testContext(runtime), Identity.Email.hashOf(email))),
    )
    expect(found.filter((entry) => entry !== undefined)).toHaveLength(everybody.length)
  },
)
