import type { Context } from '../effects/context.ts'
import type { Info as Recommendation } from './recommendation.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    dismissals: Table<Info>
  }
}

/** `rule_here`: in its account. */
export const scopes = ['resource', 'rule_here', 'rule_everywhere'] as const

/** Advice that an organization does not want. */
export interface Info {
  id: string
  rule: string
  accountId?: string
  /** In lower case. */
  resourceId?: string
  reason: string
  /** The first day on which it holds no more; undefined: for ever. */
  until?: string
  createdAt: string
  createdBy: string
}

/** Those that hold now. */
export async function held(ctx: Context): Promise<Info[]> {
  const today = ctx.now().toISOString().slice(0, 10)
  return (await ctx.tables.dismissals.all(ctx.orgId)).filter(({ until }) => until === undefined || today < until)
}

type Advised = Pick<Recommendation, 'rule' | 'accountId'> & { resourceId: string }

/** The dismissals that cover advice on a resource. */
export function covering(dismissals: readonly Info[], { rule, accountId, resourceId }: Advised): Info[] {
  const id = resourceId.toLowerCase()
  return dismissals.filter(
    (one) => one.rule === rule && (one.accountId ?? accountId) === accountId && (one.resourceId ?? id) === id,
  )
}

export function advised({ rule, accountId, resources }: Recommendation): Advised {
  return { rule, accountId, resourceId: resources[0]?.id ?? '' }
}
