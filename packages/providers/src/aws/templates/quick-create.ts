/** A stack that a customer is to create with one click. */
export interface QuickCreate {
  /** Where the stack is to be; roles are in no region, but stacks are. */
  region: string
  /** The template in a bucket, as CloudFormation requires: https://BUCKET.s3.REGION.amazonaws.com/KEY */
  templateUrl: string
  stackName: string
  parameters: Record<string, string>
}

/**
 * A link that opens the AWS console with the stack filled in:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html
 */
export function quickCreateUrl({ region, templateUrl, stackName, parameters }: QuickCreate): string {
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)) throw new TypeError(`${region} is no AWS region`)
  const values = Object.entries(parameters).map(([name, value]): [string, string] => [`param_${name}`, value])
  const query = new URLSearchParams([['templateURL', templateUrl], ['stackName', stackName], ...values])
  // The console reads what follows the # by itself and takes no + for a space.
  return `https://${region}.console.aws.amazon.com/cloudformation/home?region=${region}#/stacks/quickcreate?${query.toString().replaceAll('+', '%20')}`
}
