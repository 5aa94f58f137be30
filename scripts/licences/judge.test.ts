import { describe, expect, test } from 'vitest'
import { Bom, judge } from './judge.ts'

const bom = (...components: unknown[]) => Bom.parse({ components })
const id = (name: string, licence: string) => ({ name, version: '1.0.0', licenses: [{ license: { id: licence } }] })
const expression = (name: string, text: string) => ({ name, version: '1.0.0', licenses: [{ expression: text }] })

describe('a package of others', () => {
  test.each([
    'MIT',
    'Apache-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'ISC',
    '0BSD',
    'BlueOak-1.0.0',
    'CC0-1.0',
    'Python-2.0',
    'Unlicense',
  ])('may be %s', (licence) => {
    expect(judge(bom(id('one', licence)), {})).toEqual({ counts: [[licence, 1]], complaints: [] })
  })

  test.each(['GPL-3.0-only', 'AGPL-3.0-only', 'LGPL-2.1-or-later', 'MPL-2.0', 'SSPL-1.0', 'BUSL-1.1', 'CC-BY-NC-4.0'])(
    'must not be %s',
    (licence) => {
      expect(judge(bom(id('one', licence)), {}).complaints).toEqual([`one 1.0.0 has the licence ${licence}`])
    },
  )

  test.each([
    ['(MIT OR GPL-3.0-only)', true],
    ['GPL-3.0-only OR Apache-2.0', true],
    ['MIT AND ISC', true],
    ['MIT AND GPL-3.0-only', false],
    ['GPL-2.0-only WITH Classpath-exception-2.0', false],
    ['(MIT AND (ISC OR GPL-3.0-only))', false],
    ['(MIT OR GPL-3.0-only) AND GPL-3.0-only', false],
    ['', false],
  ])('%s: %s', (text, isGood) => {
    expect(judge(bom(expression('one', text)), {}).complaints).toHaveLength(isGood ? 0 : 1)
  })

  test('has to name a licence that SPDX knows, unless it is an exception with its reason', () => {
    const unnamed = { group: '@scope', name: 'one', version: '2.0.0' }
    const named = { name: 'two', version: '3.0.0', licenses: [{ license: { name: 'SEE LICENSE IN file' } }] }
    expect(judge(bom(unnamed, named), {}).complaints).toEqual([
      '@scope/one 2.0.0 has the licence that it does not name',
      'two 3.0.0 has the licence SEE LICENSE IN file',
    ])
    const exceptions = {
      '@scope/one': { licence: 'MIT', because: 'its README says so' },
      two: { licence: 'ISC', because: 'the file says so' },
    }
    expect(judge(bom(unnamed, named, id('three', 'MIT')), exceptions)).toEqual({
      counts: [
        ['MIT', 2],
        ['ISC', 1],
      ],
      complaints: [],
    })
  })
})

test('our own packages are not judged, and an exception that is of no use is a complaint', () => {
  const own = { group: '@cloudoptima', name: 'core', version: '0.1.0' }
  expect(judge(bom(own), { lazy: { licence: 'MIT', because: '' } })).toEqual({
    counts: [],
    complaints: ['The exception for lazy is not needed any more'],
  })
})
