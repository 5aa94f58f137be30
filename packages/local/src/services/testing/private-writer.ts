import { writePrivate } from '../../keys/private-file.ts'

/** Writes one file over and over, each time of one letter, and says so once it has begun. Argument: path. */
const [path = ''] = process.argv.slice(2)
for (let n = 0; ; n++) {
  await writePrivate(path, 'abcdefgh'.charAt(n % 8).repeat(100_000))
  if (n === 0) process.stdout.write('begun\n')
}
