import type { Edit, Question } from './front.ts'

const aDay = 86_400_000
const dated = new Set(['Instances', 'Volumes', 'Snapshots', 'Images'].map((name) => `Describe${name}`))

/** Makes what an emulator of EC2 dates at its creation older, and writes the times of metrics as AWS does. */
export function aged(days: number) {
  const older = (_: string, day: string, separator: string, time: string) =>
    new Date(Date.parse(`${day}T${time}Z`) - days * aDay).toISOString().slice(0, 19).replace('T', separator)
  return ({ service, operation }: Question): Edit | undefined => {
    if (service === 'ec2' && dated.has(operation))
      return (reply) => reply.replaceAll(/(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)/g, older)
    // JSON has seconds since 1970: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
    if (service === 'monitoring' && operation === 'GetMetricData')
      return (reply) =>
        reply.replaceAll(/"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"/g, (_, time: string) => String(Date.parse(time) / 1000))
    return undefined
  }
}
