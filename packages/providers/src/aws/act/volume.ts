import type { Volume, VolumeModification } from '@aws-sdk/client-ec2'
import { type Ec2, found } from './account.ts'

/** Undefined: there is no such volume, or it is being deleted. */
export async function volumeOf({ sdk, client }: Ec2, id: string): Promise<Volume | undefined> {
  const answer = await found(async () => await client.send(new sdk.DescribeVolumesCommand({ VolumeIds: [id] })))
  return answer?.Volumes?.find(({ State }) => State !== 'deleting' && State !== 'deleted')
}

/** The last change of a volume; undefined if there was none. */
export async function lastModification({ sdk, client }: Ec2, id: string): Promise<VolumeModification | undefined> {
  const asked = { VolumeIds: [id] }
  const answer = await found(async () => await client.send(new sdk.DescribeVolumesModificationsCommand(asked)))
  const startOf = ({ StartTime }: VolumeModification) => StartTime?.getTime() ?? 0
  return answer?.VolumesModifications?.toSorted((a, b) => startOf(b) - startOf(a))[0]
}
