import { TagLimits, type TagsByKey } from '@cloudoptima/core'
import { protectionTag } from '../act-grants.ts'
import { tagsOf } from '../collect/inventory/row.ts'

interface Managed {
  Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
  /** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/amazon-ec2-managed-instances.html */
  Operator?: { Managed?: boolean | undefined; Principal?: string | undefined } | undefined
}

/** The services that manage a resource with such a tag, and would undo a change or be broken by it. */
const managers: readonly (readonly [tag: string, manager: (value: string) => string, advice: string])[] = [
  ['aws:autoscaling:groupName', (name) => `the Auto Scaling group ${name}`, 'Change the size of the group instead.'],
  ['aws:ec2:fleet-id', (id) => `the fleet ${id}`, 'Change the capacity of the fleet instead.'],
  ['aws:elasticmapreduce:job-flow-id', (id) => `the EMR cluster ${id}`, 'Change the cluster instead.'],
  ['karpenter.sh/nodepool', (name) => `the Karpenter node pool ${name}`, 'Change the node pool instead.'],
  ['kubernetes.io/created-for/pv/name', (name) => `the persistent volume ${name}`, 'Change it in Kubernetes.'],
  ['ebs.csi.aws.com/cluster', () => 'a Kubernetes cluster', 'Change it in Kubernetes.'],
  ['aws:backup:source-resource', () => 'AWS Backup', 'Delete its recovery point in AWS Backup instead.'],
  ['elbv2.k8s.aws/cluster', (name) => `the Kubernetes cluster ${name}`, 'Delete its Ingress or Service instead.'],
  ['kubernetes.io/service-name', (name) => `the Kubernetes service ${name}`, 'Delete this service instead.'],
  ['eks:nodegroup-name', (name) => `the EKS node group ${name}`, 'Change the node group instead.'],
  ['elasticbeanstalk:environment-name', (name) => `the environment ${name} of Elastic Beanstalk`, 'Change it there.'],
  ['AmazonECSManaged', () => 'a capacity provider of ECS', 'Change the capacity provider instead.'],
  ['aws:dlm:lifecycle-policy-id', (id) => `the lifecycle policy ${id}`, 'Change the policy instead.'],
]

/** Why the product leaves a resource alone. */
export function hindranceOf({ Tags = [], Operator }: Managed): string | undefined {
  const tags = tagsOf(Tags)
  if (TagLimits.isProtected('aws', tags)) return `It is protected. Remove its tag ${protectionTag} first.`
  if (Operator?.Managed) return `It is managed by ${Operator.Principal ?? 'an AWS service'}. Change it there instead.`
  for (const [tag, manager, advice] of managers) {
    const value = tags[tag]
    if (value !== undefined) return `It belongs to ${manager(value)}. ${advice}`
  }
  return undefined
}

/** What an approver should know of a resource that a template describes. */
export function notesOf({ Tags = [] }: Managed): string[] {
  const stack = tagsOf(Tags)['aws:cloudformation:stack-name']
  return stack === undefined ? [] : [`The CloudFormation stack ${stack} describes it, and will differ from it.`]
}

/** Of what AWS describes; undefined if there is none. */
export const tagsIn = (described: Pick<Managed, 'Tags'> | undefined): TagsByKey | undefined =>
  described && tagsOf(described.Tags)

/** RDS has its own name for tags. */
export const tagged = (described: { TagList?: Managed['Tags'] } | undefined): Pick<Managed, 'Tags'> | undefined =>
  described && { Tags: described.TagList }

/** Without the tags that AWS sets itself, which nobody can restore. */
export function ownTags({ Tags = [] }: Managed): TagsByKey {
  return Object.fromEntries(Object.entries(tagsOf(Tags)).filter(([key]) => !key.startsWith('aws:')))
}
