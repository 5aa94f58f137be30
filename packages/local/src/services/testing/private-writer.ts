import { writePrivate } from '../../keys/private-file.ts'

/**
 * Overwrites one file repeatedly, each time with another letter. Prints a line after the first write. Argument: path.
 */
const [path = ''] = process.argv.slice(2)
for (let n = 0; ; n++) {
  await writePrivate(path, 'abcdefgh'.charAt(n % 8).repeat(100_000))
  if (n === 0) process.stdout.write('begun\n')
}
