import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling'
import type { Reader } from '../collect/reader.ts'
import type { Ec2 } from './account.ts'

/** What would launch its next instance from the image, as a refusal with its name; undefined if nothing would. */
export async function imageUse(account: Reader, ec2: Ec2, imageId: string): Promise<string | undefined> {
  return (await templateUse(ec2, imageId)) ?? (await groupUse(account, ec2, imageId))
}

/** Whether the newest or the default version of a launch template names the image. */
async function templateUse({ sdk, client }: Ec2, imageId: string): Promise<string | undefined> {
  const asked = { Versions: ['$Latest', '$Default'], Filters: [{ Name: 'image-id', Values: [imageId] }] }
  const answer = await client.send(new sdk.DescribeLaunchTemplateVersionsCommand(asked))
  const [template] = answer.LaunchTemplateVersions ?? []
  return template && `The launch template ${template.LaunchTemplateName} uses it. Change the template first.`
}

/** A group may launch from a launch configuration, or from an older version of a template. */
async function groupUse(account: Reader, ec2: Ec2, imageId: string): Promise<string | undefined> {
  const sdk = await import('@aws-sdk/client-auto-scaling')
  const client = account.client('autoscaling', sdk.AutoScalingClient, ec2.region)
  const pages = await Array.fromAsync(sdk.paginateDescribeAutoScalingGroups({ client }, {}))
  const groups = pages.flatMap(({ AutoScalingGroups = [] }) => AutoScalingGroups)
  const configurations = groups.some(({ LaunchConfigurationName }) => LaunchConfigurationName !== undefined)
    ? await Array.fromAsync(sdk.paginateDescribeLaunchConfigurations({ client }, {}))
    : []
  const launched = configurations.flatMap(({ LaunchConfigurations = [] }) => LaunchConfigurations)
  const own = launched.filter(({ ImageId }) => ImageId === imageId)
  const named = new Set(own.map(({ LaunchConfigurationName }) => LaunchConfigurationName))
  for (const group of groups) {
    const { AutoScalingGroupName, LaunchConfigurationName } = group
    const uses =
      (LaunchConfigurationName !== undefined && named.has(LaunchConfigurationName)) ||
      (await isPinned(ec2, group, imageId))
    if (uses) return `The Auto Scaling group ${AutoScalingGroupName} launches from it. Change the group first.`
  }
  return undefined
}

/** Whether a version that the group names by its number has the image. */
async function isPinned({ sdk, client }: Ec2, group: AutoScalingGroup, imageId: string): Promise<boolean> {
  const { LaunchTemplateSpecification, Overrides = [] } = group.MixedInstancesPolicy?.LaunchTemplate ?? {}
  const given = [
    group.LaunchTemplate,
    LaunchTemplateSpecification,
    ...Overrides.map((override) => override.LaunchTemplateSpecification),
  ]
  for (const { LaunchTemplateId, Version = '' } of given.filter((one) => one !== undefined)) {
    if (LaunchTemplateId === undefined || !/^\d+$/.test(Version)) continue
    const asked = { LaunchTemplateId, Versions: [Version] }
    const { LaunchTemplateVersions = [] } = await client.send(new sdk.DescribeLaunchTemplateVersionsCommand(asked))
    if (LaunchTemplateVersions.some(({ LaunchTemplateData }) => LaunchTemplateData?.ImageId === imageId)) return true
  }
  return false
}
