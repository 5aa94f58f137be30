import type { Edit, Question } from './front.ts'

const aDay = 86_400_000

/** Makes the machines and volumes of MiniStack older, which dates them at their creation, and writes times as AWS does. */
export function aged(days: number) {
  const older = (time: string) => new Date(Date.parse(time) - days * aDay).toISOString()
  return ({ service, operation }: Question): Edit | undefined => {
    if (service === 'ec2' && (operation === 'DescribeInstances' || operation === 'DescribeVolumes'))
      return (reply) => reply.replaceAll(/(?<=<(?:launchTime|createTime)>)[^<]+/g, older)
    // JSON has seconds since 1970: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
    if (service === 'monitoring' && operation === 'GetMetricData')
      return (reply) =>
        reply.replaceAll(/"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"/g, (_, time: string) => String(Date.parse(time) / 1000))
    return undefined
  }
}
