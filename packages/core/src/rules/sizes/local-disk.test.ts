import { expect, test } from 'vitest'
import type { Cloud } from '../../kernel/cloud.ts'
import { hasLocalDisk } from './local-disk.ts'

test.each<[Cloud, string, string]>([
  [
    'aws',
    'm5d.large m6gd.xlarge c6id.large x2iedn.large i3.large i4i.large im4gn.large d3en.xlarge m3.large g5.xlarge',
    'has',
  ],
  ['aws', 'm5.large m7g.large t3.micro c6in.large r6a.large x8g.large g4ad.large', 'm5 m7g t3 c6in r6a x8g'],
  ['azure', 'Standard_D4s_v3 Standard_D4ds_v5 Standard_D4as_v4 Standard_L8s_v3 Standard_F4s_v2 Standard_B2ms', 'has'],
  ['azure', 'Standard_D4s_v4 Standard_D4s_v5 Standard_B2s_v2 Standard_E4as_v5 Standard_M64ms_v3', ''],
])('%s: %s', (cloud, types, wanted) => {
  const has = types.split(' ').filter((type) => hasLocalDisk(cloud, type))
  const hasNone = types.split(' ').filter((type) => !hasLocalDisk(cloud, type))
  if (wanted === 'has') expect(hasNone).toEqual([])
  else if (cloud === 'azure') expect(has).toEqual([])
  else expect(hasNone.map((type) => type.split('.')[0]).join(' ')).toBe(wanted)
})
