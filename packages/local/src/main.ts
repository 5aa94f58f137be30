import { run } from './cli/run.ts'

// A reader may close the pipe early, as in `npm start -- costs | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exit(await run(process.argv.slice(2)))
