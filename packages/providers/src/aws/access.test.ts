import { afterEach, describe, expect, test, vi } from 'vitest'
import { createClouds } from '../access.ts'
import { closedPortUrl } from '../testing/loopback.ts'
import { outcomeOf } from '../testing/printed.ts'
import { failure } from '../testing/aws-wire.ts'
import { type FakeAws, fakeAws, type RunningAws } from './testing.ts'

const account = '222222222222'
const externalId = 'co-3f6d1b0c9a5e4c27'
const roleArn = `arn:aws:iam::${account}:role/CloudOptimaRead`
const own = { accessKeyId: 'AKIAOURS', secretAccessKey: 'canary-own-secret' }

let aws: RunningAws | undefined
afterEach(async () => {
  await aws?.close()
  aws = undefined
})

async function verify(fake: Partial<FakeAws> = {}, credentials: { roleArn?: string; externalId?: string } = {}) {
  aws = await fakeAws({ account, externalId, ...fake })
  const clouds = createClouds({ endpoints: { aws: aws.url }, awsCredentials: own })
  return await clouds.aws.verify({ cloud: 'aws', roleArn, externalId, ...credentials })
}

const called = () => [...new Set(aws?.calls.map(({ call }) => call))]
const missingOf = ({ missing }: { missing: { permission: string }[] }) => missing.map(({ permission }) => permission)

describe('a role of our template', () => {
  test('is accepted, with the alias as its name', async () => {
    expect(await verify({ alias: 'acme-production' })).toEqual({
      ok: true,
      problems: [],
      missing: [],
      accountName: 'acme-production',
    })
  })

  test('is checked by simulation only, without paid calls', async () => {
    await verify({ exportsTo: ['acme-focus'] })
    expect(called().toSorted()).toEqual(
      [
        'sts:AssumeRole',
        'sts:GetCallerIdentity',
        'iam:SimulatePrincipalPolicy',
        'iam:ListAccountAliases',
        'bcm-data-exports:ListExports',
        'bcm-data-exports:GetExport',
        'cur:DescribeReportDefinitions',
        's3:ListObjectsV2',
        's3:GetObject',
        'organizations:DescribeOrganization',
      ].toSorted(),
    )
  })

  test('is assumed with our keys, and read with the temporary ones', async () => {
    await verify()
    expect(aws?.calls.every(({ call, key }) => key === (call === 'sts:AssumeRole' ? 'AKIAOURS' : 'ASIATHEIRS'))).toBe(
      true,
    )
  })

  test('has its name in the organization, if it has no alias', async () => {
    expect(await verify({ organization: { payer: account, name: 'Acme' } })).toMatchObject({ accountName: 'Acme' })
  })

  test('has no name if another account is the management account', async () => {
    expect(await verify({ organization: { payer: '999999999999', name: 'Acme' } })).not.toHaveProperty('accountName')
    expect(called()).not.toContain('organizations:ListAccounts')
  })
})

describe('the external id', () => {
  test('a role that does not require it is refused, and not read', async () => {
    const found = await verify({ trusts: (id) => id === undefined || id === externalId })
    expect(found).toMatchObject({ ok: false, problems: [{ code: 'external_id_not_required' }] })
    expect(called()).toEqual(['sts:AssumeRole'])
  })

  test('a role that accepts any external id is refused', async () => {
    expect(await verify({ trusts: (id) => id !== undefined })).toMatchObject({
      ok: false,
      problems: [{ code: 'external_id_not_required' }],
    })
  })

  test('a role that accepts a pattern of external ids is refused', async () => {
    expect(await verify({ trusts: (id) => id?.startsWith('co-') ?? false })).toMatchObject({
      ok: false,
      problems: [{ code: 'external_id_not_required' }],
    })
  })

  test('a role that requires another one is refused with advice', async () => {
    const found = await verify({ trusts: () => false })
    expect(found).toMatchObject({
      ok: false,
      problems: [{ code: 'credentials_refused', message: expect.stringContaining('begins with CloudOptima') }],
    })
    expect(found.problems[0]?.message).toMatch(/trust policy/)
  })

  test.each(['', 'a', 'with space', 'x'.repeat(1225)])(
    '%j, which AWS does not allow, is refused without a call',
    async (id) => {
      expect(await verify({}, { externalId: id })).toMatchObject({
        ok: false,
        problems: [{ code: 'credentials_refused' }],
      })
      expect(called()).toEqual([])
    },
  )
})

describe('an ARN', () => {
  test.each([
    '',
    'CloudOptimaRead',
    'arn:aws:iam::222222222222:user/x',
    'arn:aws:iam::1:role/x',
    `${roleArn}\n`,
    'arn:aws:iam::222222222222:role/../x y',
    'http://169.254.169.254/',
  ])('%j, which is not the ARN of a role, is refused without a call', async (arn) => {
    expect(await verify({}, { roleArn: arn })).toMatchObject({ ok: false, problems: [{ code: 'not_found' }] })
    expect(called()).toEqual([])
  })

  test('may have a path', async () => {
    expect(await verify({}, { roleArn: `arn:aws:iam::${account}:role/finops/read/CloudOptimaRead` })).toMatchObject({
      ok: true,
    })
  })

  test('with another account than the role’s is refused', async () => {
    expect(await verify({ account: '333333333333' })).toMatchObject({
      ok: false,
      problems: [{ code: 'wrong_account' }],
    })
  })
})

describe('permissions', () => {
  test('missing ones are listed with their purpose, in the order of the table', async () => {
    const found = await verify({ lacks: ['ec2:DescribeVolumes', 'ce:GetCostAndUsage'] })
    expect(found).toMatchObject({ ok: false, problems: [] })
    expect(found.missing).toEqual([
      { permission: 'ce:GetCostAndUsage', neededFor: expect.stringMatching(/costs/) },
      { permission: 'ec2:DescribeVolumes', neededFor: expect.stringMatching(/volumes/) },
    ])
  })

  test('that are optional are listed, and the account stays usable', async () => {
    const found = await verify({ lacks: ['rds:DescribeDBInstances', 's3:GetLifecycleConfiguration'] })
    expect(found.ok).toBe(true)
    expect(missingOf(found)).toEqual(['rds:DescribeDBInstances', 's3:GetLifecycleConfiguration'])
  })

  test.each(['works', 'denied', 'absent'] as const)(
    'the same ones are found if the simulator is %s',
    async (simulator) => {
      const lacks = [
        'bcm-data-exports:GetExport',
        'ce:GetCostAndUsage',
        'cloudwatch:GetMetricData',
        'cur:DescribeReportDefinitions',
        'ec2:DescribeSnapshots',
        'iam:ListAccountAliases',
        'organizations:ListAccounts',
      ]
      const found = await verify({ lacks, simulator, organization: { payer: account, name: 'Acme' } })
      expect(missingOf(found).toSorted()).toEqual(
        [...lacks, ...(simulator === 'denied' ? ['iam:SimulatePrincipalPolicy'] : [])].toSorted(),
      )
    },
  )

  test('without a simulator each probe is called once, and instances only in a dry run', async () => {
    expect(await verify({ simulator: 'absent' })).toMatchObject({ ok: true })
    expect(aws?.calls.filter(({ call }) => call === 'ce:GetCostAndUsage')).toHaveLength(1)
    expect(
      aws?.seen
        .filter(({ body }) => /Action=Describe(Instances|Volumes|Snapshots|Addresses)/.test(body))
        .every(({ body }) => body.includes('DryRun=true')),
    ).toBe(true)
  })

  test.each(['bcm-data-exports:ListExports', 'cur:DescribeReportDefinitions'])(
    'are missing if the simulation grants them but the call is denied (%s)',
    async (permission) => {
      const override: FakeAws['override'] = (call) =>
        call === permission ? failure('json', 'AccessDeniedException', 400) : undefined
      expect(missingOf(await verify({ override }))).toEqual([permission])
    },
  )

  test('an account without an organization, or a member account, lacks none', async () => {
    const override: FakeAws['override'] = (call) =>
      call.startsWith('organizations:')
        ? failure('json', 'AccessDeniedException', 400, "You don't have permissions to access this resource.")
        : undefined
    expect(await verify({ simulator: 'absent', override })).toMatchObject({ ok: true })
  })
})

describe('the bucket of an export', () => {
  test.each(['exportsTo', 'reportsTo'] as const)('must be readable (%s)', async (where) => {
    expect(missingOf(await verify({ [where]: ['acme-costs'], lacks: ['s3:ListBucket', 's3:GetObject'] }))).toEqual([
      's3:ListBucket',
      's3:GetObject',
    ])
    await aws?.close()
    expect(missingOf(await verify({ [where]: ['acme-costs'], lacks: ['s3:GetObject'] }))).toEqual(['s3:GetObject'])
  })

  test('may be unreadable if another one is readable', async () => {
    expect(
      await verify({ exportsTo: ['acme-costs', 'for-somebody-else'], closedBuckets: ['for-somebody-else'] }),
    ).toMatchObject({ ok: true })
  })

  test('is not needed without an export', async () => {
    expect(await verify({ lacks: ['s3:ListBucket', 's3:GetObject'] })).toMatchObject({ ok: true })
  })

  test.each(['evil.example/', 'us-east-1.evil.example', ''])(
    'in the region %j gets no request, because the region would change the host',
    async (reportRegion) => {
      await verify({ reportsTo: ['acme-costs'], reportRegion })
      expect(called().filter((call) => call.startsWith('s3:'))).toEqual([])
    },
  )

  test.each(['evil.example/x', 'a@b', '..', 'UPPER'])(
    'with the name %j gets no request, because the name would change the host',
    async (bucket) => {
      await verify({ reportsTo: [bucket] })
      expect(called().filter((call) => call.startsWith('s3:'))).toEqual([])
    },
  )
})

describe('AWS without an answer', () => {
  const unavailable = (pattern: RegExp) =>
    expect.objectContaining({ name: 'Fault', code: 'unavailable', message: expect.stringMatching(pattern) })

  test('is a Fault if nothing listens', async () => {
    const clouds = createClouds({ endpoints: { aws: await closedPortUrl() }, awsCredentials: own })
    await expect(clouds.aws.verify({ cloud: 'aws', roleArn, externalId })).rejects.toEqual(
      unavailable(/AWS does not answer.*Try again/),
    )
  })

  test.each([
    ['sts:AssumeRole', 'sts', 'Throttling', 400],
    ['iam:SimulatePrincipalPolicy', 'iam', 'ServiceFailure', 500],
    ['cur:DescribeReportDefinitions', 'json', 'ThrottlingException', 400],
  ])('is a Fault if %s is throttled or fails', async (throttled, protocol, code, status) => {
    await expect(
      verify({ override: (call) => (call === throttled ? failure(protocol, code, status) : undefined) }),
    ).rejects.toEqual(unavailable(new RegExp(throttled)))
  })

  test('differs from AWS that does not accept our own credentials', async () => {
    await expect(verify({ override: () => failure('sts', 'InvalidClientTokenId', 403) })).rejects.toEqual(
      unavailable(/AWS_PROFILE/),
    )
  })
})

describe('our own credentials', () => {
  test("are those of the SDK's chain by default", async () => {
    aws = await fakeAws({ account, externalId })
    await createClouds({ endpoints: { aws: aws.url } }).aws.verify({ cloud: 'aws', roleArn, externalId })
    expect(aws.calls[0]).toEqual({ call: 'sts:AssumeRole', key: 'test' })
  })

  test('are requested if they are missing', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
    for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere')
    const clouds = createClouds({ endpoints: { aws: await closedPortUrl() } })
    await expect(clouds.aws.verify({ cloud: 'aws', roleArn, externalId })).rejects.toThrow(/AWS_PROFILE/)
    vi.unstubAllEnvs()
  })
})

test('no problem, Fault or log contains a secret', async () => {
  const refusals = [
    ['Throttling', 403],
    ['InvalidClientTokenId', 403],
    ['InternalFailure', 500],
    ['AccessDenied', 403],
  ] as const
  for (const [code, status] of refusals) {
    const { text, printed } = await outcomeOf(() =>
      verify({ override: () => failure('sts', code, status, 'canary-own-secret') }),
    )
    expect(text).toMatch(/Fault|problems/)
    for (const shown of [text, printed]) expect(shown).not.toMatch(/canary|ASIATHEIRS|AKIAOURS|co-3f6d/)
    await aws?.close()
  }
})
