import type { Fixture } from './fixture.ts'
import { daysAgo, requiredTags, some, untagged, usd } from './subjects.ts'

const plan = some('aws', 'commitment', { type: 'Compute', status: 'in-use', configuration: { end: daysAgo(-400) } })
const used = usd({ commitment: '650', commitment_unused: '20' })
const committed = some('gcp', 'commitment', { type: 'TWELVE_MONTH', status: 'active' })
const vm = some('azure', 'instance', {
  type: 'Standard_D4s_v5',
  status: 'running',
  cost: usd({ compute: '302 x 730' }),
})
const own = Object.fromEntries(requiredTags.map(({ key }) => [key.toUpperCase(), 'blue']))
const bucket = some('gcp', 'bucket')

export const commitmentFixtures: readonly Fixture[] = [
  {
    rule: 'commitment-underused',
    finds: [
      plan({ id: 'plan-underused', cost: usd({ commitment: '500', commitment_unused: '170' }) }),
      some('azure', 'commitment', { type: 'Standard_D4s_v5', status: 'in-use' })({
        id: 'reservation-underused',
        cost: usd({ commitment: '80', commitment_unused: '40' }),
      }),
      committed({
        id: 'cud-underused',
        cost: usd({ commitment: '190', commitment_unused: '60' }),
        unused: { cores: 0, memory: 80 },
      }),
    ],
    leaves: [
      plan({ id: 'plan-used', cost: used }),
      plan({ id: 'plan-ended', status: 'retired', cost: usd({ commitment_unused: '170' }) }),
    ],
    lacks: [plan({ id: 'plan-unbilled' }), committed({ id: 'cud-unbilled' })],
  },
  {
    rule: 'commitment-expiring',
    finds: [
      plan({ id: 'plan-ending', cost: used, configuration: { end: daysAgo(-12) } }),
      some('aws', 'commitment', { type: 'db.m5.large' })({
        id: 'ri-ending',
        status: 'active',
        cost: used,
        createdAt: daysAgo(350),
        configuration: { Duration: 31_536_000 },
      }),
    ],
    leaves: [
      plan({ id: 'plan-lasting', cost: used }),
      plan({ id: 'plan-renewed', cost: used, configuration: { end: daysAgo(-12), renew: true } }),
      committed({ id: 'cud-renewed', configuration: { endTimestamp: daysAgo(-12), autoRenew: true } }),
    ],
    lacks: [committed({ id: 'cud-endless', cost: used })],
  },
  {
    rule: 'azure-hybrid-benefit-missing',
    finds: [vm({ id: 'vm-windows', configuration: { osType: 'Windows' } })],
    leaves: [
      vm({ id: 'vm-windows-stopped', status: 'stopped', configuration: { osType: 'Windows' } }),
      vm({ id: 'vm-licensed', configuration: { osType: 'Windows', licenseType: 'Windows_Server' } }),
      vm({ id: 'vm-linux', configuration: { osType: 'Linux' } }),
    ],
    lacks: [],
  },
  {
    rule: 'required-tag-missing',
    finds: [
      bucket({ id: 'bucket-untagged', tags: { env: 'test' } }),
      bucket({ id: 'bucket-wrong', tags: { Team: 'purple' } }),
    ],
    leaves: [
      bucket({ id: 'bucket-tagged', tags: own }),
      some('gcp', 'nat_gateway')({ id: 'nat-of-router' }),
      committed({ id: 'cud' }),
    ],
    lacks: [untagged(bucket({ id: 'bucket-tags-unknown' }))],
  },
]
