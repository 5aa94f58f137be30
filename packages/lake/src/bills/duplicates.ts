import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault } from '@cloudoptima/core'
import { rows } from '../database.ts'
import { type Bill, sharesPartition } from './bill.ts'
import { selectSource } from './select.ts'

/** More rows than this are compared by a sample: the same rows of each file. */
const mostCompared = 1_000_000

/**
 * Throws Fault `invalid` for two files of one bill that share most rows of one of them, whatever their order, names and
 * packing: the same file twice, an older snapshot, or a part beside the whole.
 */
export async function refuseDuplicates(connection: DuckDBConnection, bills: readonly Bill[]): Promise<void> {
  const compared = bills.filter((bill) =>
    bills.some((other) => other !== bill && other.format.id === bill.format.id && sharesPartition(other, bill)),
  )
  if (compared.length < 2) return
  const total = compared.flatMap(({ control }) => control).reduce((sum, { rows }) => sum + Number(rows), 0)
  const step = Math.ceil(total / mostCompared)
  await connection.run('CREATE OR REPLACE TEMP TABLE row_keys (file INTEGER, key UBIGINT, copies BIGINT)')
  for (const [index, { source, format, reading }] of compared.entries()) {
    await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
    await connection.run(
      `INSERT INTO row_keys SELECT ${index}, hash(lake) AS key, count(*)
       FROM (${format.mapping}) AS lake WHERE key % ${step} = 0 GROUP BY key`,
    )
  }
  const [found] = await rows<{ file: number; other: number; isWhole: boolean }>(
    connection,
    `WITH file AS (SELECT file, sum(copies) AS copies FROM row_keys GROUP BY file)
     SELECT a.file AS file, b.file AS other,
       sum(least(a.copies, b.copies)) = any_value(one.copies) AND any_value(one.copies) = any_value(two.copies) AS "isWhole"
     FROM row_keys AS a JOIN row_keys AS b ON a.key = b.key AND a.file <> b.file
       JOIN file AS one ON one.file = a.file JOIN file AS two ON two.file = b.file
     GROUP BY a.file, b.file HAVING 2 * sum(least(a.copies, b.copies)) > any_value(one.copies)
     ORDER BY a.file DESC, b.file LIMIT 1`,
  )
  await connection.run('DROP TABLE row_keys')
  if (!found) return
  const [name = '', other = ''] = [found.file, found.other].map((index) => compared[index]?.source.name)
  const [reason, detail] = found.isWhole
    ? [`${name} and ${other} are the same file`, `the same as ${other}`]
    : [`most rows of ${name} are in ${other} too`, `most rows are in ${other} too`]
  throw new Fault(
    'invalid',
    `${reason}: the delivery would count ${found.isWhole ? 'it' : 'them'} twice. Remove one of them.`,
    [{ path: name, message: detail }],
  )
}
