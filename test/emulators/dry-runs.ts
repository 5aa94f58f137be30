import type { Question, Refusal } from './front.ts'

/**
 * Answers dry runs of EC2 as AWS does for allowed calls, because MiniStack carries them out:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
 */
export function dryRuns({ service, body }: Question): Refusal | undefined {
  if (service !== 'ec2' || new URLSearchParams(body).get('DryRun') !== 'true') return undefined
  const [code, message] = ['DryRunOperation', 'Request would have succeeded, but DryRun flag is set.']
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { status: 412, body: `<Response><Errors>${error}</Errors><RequestID>dry-run</RequestID></Response>` }
}
