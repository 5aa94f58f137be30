import { run } from './cli/run.ts'

// Whoever reads our output may have read enough: `npm start -- costs | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exit(await run(process.argv.slice(2)))
