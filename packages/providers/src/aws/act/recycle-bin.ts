import { isFault, type TagsByKey, type UndoKind } from '@cloudoptima/core'
import { askSigned } from '../access/signed.ts'
import type { SdkError } from '../access/refusal.ts'
import { failureToAct } from '../collect/failure.ts'
import type { Reader } from '../collect/reader.ts'

/** https://docs.aws.amazon.com/recyclebin/latest/APIReference/API_GetRule.html */
interface Rule {
  Status?: string
  RetentionPeriod?: { RetentionPeriodValue?: number }
  /** None: the rule keeps all resources of its region. */
  ResourceTags?: RuleTag[]
  ExcludeResourceTags?: RuleTag[]
}

interface RuleTag {
  ResourceTagKey?: string
  /** None: any value. */
  ResourceTagValue?: string
}

interface RulePage {
  Rules?: { Identifier?: string }[]
  NextToken?: string
}

interface Deleted {
  region: string
  type: 'EBS_SNAPSHOT' | 'EC2_IMAGE'
  tags: TagsByKey
}

/** Whether the Recycle Bin keeps what is deleted, and so an undo is possible. */
export async function undoFromBin(account: Reader, deleted: Deleted): Promise<{ undo: UndoKind; notes: string[] }> {
  try {
    const days = await keptDays(account, deleted)
    if (days === undefined) return { undo: 'none', notes: [] }
    return { undo: 'full', notes: [`The Recycle Bin keeps it for ${days} days. So long an undo restores it.`] }
  } catch (error) {
    if (!isFault(error, 'forbidden')) throw error
    return { undo: 'none', notes: [`It is not known whether the Recycle Bin keeps it. ${error.message}`] }
  }
}

/** The longest retention of the rules that match; undefined if none does. */
async function keptDays(account: Reader, { region, type, tags }: Deleted): Promise<number | undefined> {
  const ask = asker(account, region)
  const days: number[] = []
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const given = { ResourceType: type, MaxResults: 100, NextToken: token }
    const { Rules = [], NextToken }: RulePage = await ask('rbin:ListRules', '/list-rules', given)
    for (const { Identifier = '' } of Rules) {
      const rule: Rule = await ask('rbin:GetRule', `/rules/${encodeURIComponent(Identifier)}`)
      if (keeps(rule, tags)) days.push(rule.RetentionPeriod?.RetentionPeriodValue ?? 0)
    }
    token = NextToken
  }
  return days.length === 0 ? undefined : Math.max(...days)
}

/** https://docs.aws.amazon.com/ebs/latest/userguide/recycle-bin-concepts.html */
function keeps({ Status, ResourceTags = [], ExcludeResourceTags = [] }: Rule, tags: TagsByKey): boolean {
  const has = ({ ResourceTagKey = '', ResourceTagValue }: RuleTag) =>
    Object.hasOwn(tags, ResourceTagKey) && (ResourceTagValue === undefined || tags[ResourceTagKey] === ResourceTagValue)
  const isAsked = ResourceTags.length === 0 ? !ExcludeResourceTags.some(has) : ResourceTags.some(has)
  return Status === 'available' && isAsked
}

const asker =
  ({ access, session }: Reader, region: string) =>
  async <Answer extends object>(api: string, path: string, body?: object): Promise<Answer> => {
    access.signal.throwIfAborted()
    await access.meter.take({ api })
    try {
      return await askSigned<Answer>(await session(), { service: 'rbin', region, path, ...(body && { body }) })
    } catch (error) {
      throw failureToAct(api, error as SdkError)
    }
  }
