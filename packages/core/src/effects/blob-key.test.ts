import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as BlobKey from './blob-key.ts'
import * as Partition from '../kernel/partition.ts'

const escapes = ['..', '.', '', '../..', 'lake/../x', 'lake/./x', 'lake//x', '/lake', 'lake/..', '../org_other/lake/x']

describe('a key', () => {
  test.each(escapes)('that leads out of its folder is none: %j', (key) => {
    expect(() => BlobKey.of('org', key)).toThrow('is no key of an object')
    expect(() => BlobKey.of(key, 'lake/x')).toThrow('is no key of an object')
  })

  test.each(escapes.filter((key) => key !== ''))('cannot begin so: %j', (prefix) => {
    expect(() => BlobKey.prefixOf('org', prefix)).toThrow('is no key of an object')
    expect(() => BlobKey.prefixOf('org', `${prefix}/`)).toThrow('is no key of an object')
  })

  test('begins with its organization; a beginning is a folder, part of a name, or nothing', () => {
    expect(BlobKey.of('org', 'lake/...x/..y')).toBe('org/lake/...x/..y')
    for (const prefix of ['', 'raw/', 'lake/AWS/1/2024-09/imp_1-'])
      expect(BlobKey.prefixOf('org', prefix)).toBe(`org/${prefix}`)
    expect(() => BlobKey.prefixOf('..', '')).toThrow('is no key of an object')
  })

  test('can be made of every partition whose names are no such parts', () => {
    const name = fc.string({ unit: 'grapheme' }).filter(BlobKey.isPart)
    fc.assert(
      fc.property(name, name, (provider, billingAccountId) => {
        const key = Partition.key({ provider, billingAccountId, period: '2024-09' })
        expect(BlobKey.of('org', key).split('/')).toHaveLength(4)
      }),
    )
  })
})
