import type { Access, Call, Problem } from '@cloudoptima/core'

/** The emulators that `npm run emulators` started, by name; none in `npm test`. */
export const emulators: Partial<Record<string, string>> = JSON.parse(process.env['EMULATORS'] ?? '{}')

/** A collection of an account, with all that it tells. */
export function collectionOf(credentials: Access['credentials']) {
  const calls: Call[] = []
  const problems: Problem[] = []
  const access: Access = {
    credentials,
    meter: { take: async (call) => void calls.push(call) },
    report: (problem) => void problems.push(problem),
    signal: AbortSignal.timeout(120_000),
    now: () => new Date(),
  }
  return { access, calls, problems }
}
