import type { PriceList, PriceQuestion } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { type AccessTo, unavailable } from '../../access/verdict.ts'
import { publicAnswer } from '../../collect/public-answer.ts'
import { parseRole } from '../access/session.ts'
import { listedServices, readPriceList } from '../prices.ts'

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
  for (const region of regions.filter((name) => /^[a-z]{2}(?:-[a-z]+)+-\d+$/.test(name))) {
    const lists: PriceList['prices'][] = []
    for (const service of listedServices) {
      const url = new URL(`/offers/v1.0/aws/${service}/current/${region}/index.csv`, host)
      const answer = await publicAnswer(url, access, { api: 'pricing:index.csv', cloud: 'AWS' })
      if (answer?.body) lists.push(await readPriceList(whole(answer.body, access.signal), region))
    }
    if (lists.length > 0) yield { region, prices: lists.flat() }
  }
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
