import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Deployment } from './stacks/deployment.ts'
import { functionNames } from './stacks/functions.ts'
import { nameOf, refusesPlainHttp } from './stacks/grants.ts'
import { synthesise } from './stacks/synthesise.ts'

const apiHandler = 'functions/api.handler'
let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  production = await synthesise('production', { bundled: [apiHandler], told: { MAIL_FROM: 'example.com' } })
  rehearsal = await synthesise('rehearsal', { told: { MAIL_FROM: 'example.com', TIMESTREAM_TABLE: 'costs/daily' } })
})

describe('security', () => {
  test('cdk-nag AwsSolutions finds nothing, and is told to be silent only with a reason', () => {
    expect(production.findings).toEqual([])
    expect(rehearsal.findings).toEqual([])
    expect(production.reasons.filter((reason) => reason.length < 30)).toEqual([])
  })
})

describe('storage', () => {
  test('buckets are encrypted, closed to the public, and refuse plain HTTP', () => {
    const buckets = production.resources('AWS::S3::Bucket')
    expect(buckets).toHaveLength(3)
    const all = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true }
    for (const [id, { Properties, DeletionPolicy }] of buckets) {
      expect(Properties['PublicAccessBlockConfiguration'], id).toEqual(all)
      expect(JSON.stringify(Properties['BucketEncryption']), id).toContain('AES256')
      expect(DeletionPolicy, id).toBe('Retain')
      expect(
        refusesPlainHttp(production, 'AWS::S3::BucketPolicy', ({ Bucket }) => [Bucket], id),
        id,
      ).toBe(true)
    }
  })

  test('nobody can delete an anchor of the audit log, but in temporary stages', () => {
    const lockOf = (of: Deployment) => {
      const found = of.resources('AWS::S3::Bucket').find(([id]) => id.includes('Anchors'))
      if (!found) throw new Error('There is no bucket of anchors')
      return found[1].Properties['ObjectLockConfiguration']
    }
    const Rule = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 365 } }
    expect(lockOf(production)).toEqual({ ObjectLockEnabled: 'Enabled', Rule })
    expect(lockOf(rehearsal)).toBeUndefined()
  })

  test('the table comes back: point-in-time recovery, encryption, deletion protection, and it outlives its stack. It forgets what has expired', () => {
    const tables = production.resources('AWS::DynamoDB::Table').map(([, table]) => table)
    expect(tables).toHaveLength(1)
    expect(tables[0]).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        DeletionProtectionEnabled: true,
      },
    })
  })

  test('a stage that is made to be thrown away leaves nothing behind', () => {
    const keeps = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::Logs::LogGroup'].flatMap((type) =>
      rehearsal.resources(type),
    )
    expect(keeps.length).toBeGreaterThan(10)
    expect(keeps.filter(([, { DeletionPolicy }]) => DeletionPolicy !== 'Delete').map(([id]) => id)).toEqual([])
  })
})

describe('functions', () => {
  test('every log group forgets, every function writes to one of its own', () => {
    const days = (of: Deployment) =>
      new Set(of.resources('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties['RetentionInDays']))
    expect(days(production)).toEqual(new Set([90]))
    expect(days(rehearsal)).toEqual(new Set([7]))
    const groups = production
      .resources('AWS::Lambda::Function')
      .map(([, { Properties }]) => nameOf((Properties['LoggingConfig'] as { LogGroup: unknown }).LogGroup))
    expect(groups.toSorted()).toEqual(functionNames.map((name) => `${name}Logs`).toSorted())
  })

  test('Graviton and Node 24 in an account; the processor of this machine in the rehearsal', () => {
    const settings = (of: Deployment) =>
      new Set(
        of
          .resources('AWS::Lambda::Function')
          .map(([, { Properties: p }]) => `${String(p['Architectures'])} ${String(p['Runtime'])}`),
      )
    expect(settings(production)).toEqual(new Set(['arm64 nodejs24.x']))
    expect(settings(rehearsal)).toEqual(new Set([`${process.arch === 'x64' ? 'x86_64' : 'arm64'} nodejs24.x`]))
  })

  test('the functions that cost most have reserved concurrency, but in temporary stages', () => {
    const reservedIn = (deployment: Deployment) =>
      Object.fromEntries(
        deployment.resources('AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
          const reserved = Properties['ReservedConcurrentExecutions']
          return reserved === undefined ? [] : [[nameOf(id), reserved]]
        }),
      )
    expect(reservedIn(production)).toEqual({ BillsNormalize: 50, Query: 50, Requests: 200 })
    expect(reservedIn(rehearsal)).toEqual({})
  })

  test('the bundle of the api function loads less than 1 MB at its start, and no DuckDB ever', () => {
    const folder = production.bundle(apiHandler)
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.mjs'))
    const chunks = scripts.map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const)
    expect(chunks.filter(([, text]) => text.includes('@duckdb/')).map(([name]) => name)).toEqual([])
    const atStart = new Set<string>()
    const load = (name: string): void => {
      if (atStart.has(name)) return
      atStart.add(name)
      const text = new Map(chunks).get(name) ?? ''
      for (const [, imported = ''] of text.matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g)) load(imported)
    }
    load('api.mjs')
    const bytes = chunks.filter(([name]) => atStart.has(name)).reduce((sum, [, text]) => sum + text.length, 0)
    process.stdout.write(`api bundle: ${atStart.size} of ${chunks.length} chunks, ${bytes} bytes at start\n`)
    expect(atStart.size).toBeGreaterThan(1)
    expect(bytes).toBeLessThan(1_000_000)
  })

  test('a Lambda gets the native code that the packages are tested with', () => {
    const versions = (file: string) =>
      (JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Record<string, string> }).dependencies
    const duckdb = versions('packages/lake/package.json')['@duckdb/node-api']
    const argon2 = versions('packages/runtime/package.json')['@node-rs/argon2']
    expect([duckdb, argon2]).toEqual([expect.any(String), expect.any(String)])
    expect(Object.values(versions('functions/package.json'))).toEqual([duckdb, duckdb, duckdb, argon2, argon2, argon2])
  })
})
