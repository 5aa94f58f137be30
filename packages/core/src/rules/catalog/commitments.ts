import * as Money from '../../kernel/money.ts'
import { rule, type Rule } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { numberOf, type Subject, textOf, type UnusedPercent } from '../subject.ts'
import { computeOf } from './resize.ts'

const common = {
  analyzer: 'commitments',
  clouds: ['aws', 'azure', 'gcp'],
  kinds: ['commitment'],
  windowDays: 30,
  risk: 'low',
  effort: 'medium',
  restartNeeded: false,
  rollbackPossible: false,
} as const

const isActive = ({ status }: Subject) => ['in-use', 'active', 'running'].includes(status)

/** Azure says `renew`, Google Cloud `autoRenew`; commitments of AWS end. */
const isRenewed = ({ configuration }: Subject) => configuration['renew'] === true || configuration['autoRenew'] === true

const endFields = ['End', 'end', 'expiryDateTime', 'endTimestamp']

/** ISO time, or undefined. */
function endOf(subject: Subject): string | undefined {
  const said = endFields.map((field) => textOf(subject, field)).find((time) => time !== undefined)
  const seconds = numberOf(subject, 'Duration')
  if (said !== undefined || seconds === undefined || subject.createdAt === undefined) return said
  return new Date(Date.parse(subject.createdAt) + seconds * 1000).toISOString()
}

const sumOf = ({ cost }: Subject, ...wanted: string[]) =>
  Money.sum((cost?.parts ?? []).filter(({ part }) => wanted.includes(part)).map((part) => Money.parse(part.cost)))

const mustExist = 'usage of the kind must exist to move'
const own = {
  evidence: {},
  action: 'move usage under it, exchange it, or sell it',
  reason: `it was unused in the last complete month; ${mustExist}`,
}

/** Google Cloud does not tell which of several commitments covers usage, and buys none back. */
const pooled = ({ cores, memory }: UnusedPercent) => ({
  evidence: {
    ...(cores !== undefined && { unusedCoresPercent: cores }),
    ...(memory !== undefined && { unusedMemoryPercent: memory }),
  },
  action: 'share it with all projects of the billing account, or move usage under it',
  reason:
    'exact for all commitments of its series and region in the billing account together, each for cores and memory, in ' +
    `the last complete month; its share of the unused part is counted here; ${mustExist}`,
})

export const commitmentRules: readonly Rule[] = [
  rule({
    ...common,
    id: 'commitment-underused',
    finds: 'Reserved instance, savings plan or committed use that is not used in full',
    thresholds: { unusedPercent: ours(10, '% unused', 'finops') },
    undo: 'None: what was exchanged or sold is gone.',
    find: (subject, { limit }) => {
      if (!isActive(subject)) return undefined
      if (!subject.cost) return { missing: ['costs of a complete month by use of the commitment'] }
      const unused = sumOf(subject, 'commitment_unused')
      const percent = Money.percentOf(unused, sumOf(subject, 'commitment', 'commitment_unused'))
      if (percent < limit.unusedPercent) return undefined
      const { evidence, action, reason } = subject.unused ? pooled(subject.unused) : own
      return {
        evidence: { unusedPercent: percent, ...evidence },
        change: { action, from: `${percent} % unused`, to: 'used' },
        saving: { kind: 'stops_cost', parts: ['commitment_unused'] },
        confidence: { level: 'medium', reason },
      }
    },
  }),
  rule({
    ...common,
    id: 'commitment-expiring',
    finds: 'Commitment that ends soon, and its discount with it',
    windowDays: 0,
    thresholds: { days: threshold(30, 'days', 'trustedAdvisor') },
    rollbackPossible: true,
    undo: 'Nothing changes until a new commitment is bought.',
    find: (subject, { now, limit }) => {
      if (!isActive(subject) || isRenewed(subject)) return undefined
      const end = Date.parse(endOf(subject) ?? '')
      if (Number.isNaN(end)) return { missing: ['end of the commitment'] }
      const days = Math.floor((end - now.getTime()) / 86_400_000)
      if (days < 0 || days > limit.days) return undefined
      return {
        evidence: { endsInDays: days },
        change: { action: 'decide on its renewal', from: `ends in ${days} days`, to: 'renewed or let go' },
        saving: { kind: 'none' },
        confidence: { level: 'high', reason: 'the cloud tells the end' },
      }
    },
  }),
  rule({
    ...common,
    id: 'azure-hybrid-benefit-missing',
    finds: 'Virtual machine that pays for Windows Server, without Hybrid Benefit',
    clouds: ['azure'],
    kinds: ['instance'],
    windowDays: 0,
    effort: 'low',
    rollbackPossible: true,
    undo: 'Switch Hybrid Benefit off again.',
    thresholds: { licenses: threshold(0, 'licenses of the organization in use', 'azureHybridBenefit') },
    find: (subject) => {
      const { type, status } = subject
      if (textOf(subject, 'osType') !== 'Windows' || status === 'stopped' || type === undefined) return undefined
      if (textOf(subject, 'licenseType') !== undefined) return undefined
      return {
        evidence: { osType: 'Windows' },
        change: { action: 'switch Hybrid Benefit on', from: 'license included', to: 'own license' },
        saving: {
          kind: 'price_of',
          replaces: ['compute', 'license'],
          targets: [{ ...computeOf(subject, type), variant: 'Linux' }],
        },
        confidence: { level: 'low', reason: 'the organization must own licenses with Software Assurance' },
      }
    },
  }),
]
