import { run } from './cli/run.ts'

// The reader of a pipe may close it early, as in `npm start -- costs | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exit(await run(process.argv.slice(2)))
