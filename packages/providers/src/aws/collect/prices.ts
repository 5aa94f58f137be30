import type { PriceList, PriceQuestion } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { type AccessTo, unavailable } from '../../access/verdict.ts'
import { publicAnswer } from '../../collect/public-answer.ts'
import { parseRole } from '../access/session.ts'
import { listedServices, readPriceList } from '../prices.ts'
import { indexPath, planListOf, readSavingsPlans } from '../savings-plans.ts'

const published = 'https://pricing.us-east-1.amazonaws.com'

/**
 * The price lists of regions, which AWS publishes for everybody:
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
 */
export async function* prices(
  { endpoints }: AccessOptions,
  access: AccessTo<'aws'>,
  { regions }: PriceQuestion,
): AsyncGenerator<PriceList> {
  // China has a list of its own, in yuan.
  if (parseRole(access.credentials.roleArn)?.arn.startsWith('arn:aws-cn:')) return
  const host = endpoints?.aws ?? published
  const listOf = async (path: string, read: typeof readPriceList, region: string) => {
    const answer = await publicAnswer(new URL(path, host), access, { api: 'pricing:index.csv', cloud: 'AWS' })
    return answer?.body ? await read(whole(answer.body, access.signal), region) : []
  }
  for (const region of regions.filter((name) => /^[a-z]{2}(?:-[a-z]+)+-\d+$/.test(name))) {
    const lists: PriceList['prices'][] = []
    for (const service of listedServices)
      lists.push(await listOf(`/offers/v1.0/aws/${service}/current/${region}/index.csv`, readPriceList, region))
    const plans = lists.flat().length > 0 ? await planPath(host, access, region) : undefined
    if (plans !== undefined) lists.push(await listOf(plans, readSavingsPlans, region))
    if (lists.flat().length > 0) yield { region, prices: lists.flat() }
  }
}

/** The list of savings plans has no address of its own for its newest version; an index names it. */
async function planPath(host: string, access: AccessTo<'aws'>, region: string): Promise<string | undefined> {
  const call = { api: 'pricing:region_index.json', cloud: 'AWS' }
  const answer = await publicAnswer(new URL(indexPath, host), access, call)
  const index: unknown = await answer?.json().catch((): never => {
    access.signal.throwIfAborted()
    throw unavailable('AWS', 'the index of savings plans was cut off')
  })
  return answer && planListOf(index, region)
}

/** A connection that breaks is a cloud that does not answer. */
async function* whole(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch {
    signal.throwIfAborted()
    throw unavailable('AWS', 'the price list was cut off')
  }
}
