import { Random } from '@cloudoptima/sample'
import { exists } from '../load.ts'
import type { Aws } from './operation.ts'
import type { AwsResource } from './resource.ts'

const attachedShare = 0.85

export function pick<Item>(choices: readonly Item[], key: number): Item | undefined {
  return choices[key % choices.length]
}

/** The instance of a volume, in its region (their zones may differ); some have none, and some have outlived it. */
export function instanceOf(volume: AwsResource, aws: Aws, time: Date): AwsResource | undefined {
  const { key, region, account, attachment } = volume
  if (attachment !== undefined) return aws.resources.find(({ id }) => id === attachment)
  if (Random.uniform(Random.mix(key, 41)) > attachedShare) return undefined
  const near = aws.resources.filter((each) => each.type === 'ec2:instance' && each.region === region)
  const own = near.filter((each) => each.account === account)
  return [pick(own, key)].find((chosen) => chosen && exists(chosen, time))
}
