/** A stack that a customer can create with one click. */
export interface QuickCreate {
  region: string
  /** In a bucket, as CloudFormation requires: https://BUCKET.s3.REGION.amazonaws.com/KEY */
  templateUrl: string
  stackName: string
  parameters: Record<string, string>
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html */
export function quickCreateUrl({ region, templateUrl, stackName, parameters }: QuickCreate): string {
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)) throw new TypeError(`${region} is no AWS region`)
  const values = Object.entries(parameters).map(([name, value]): [string, string] => [`param_${name}`, value])
  const query = new URLSearchParams([['templateURL', templateUrl], ['stackName', stackName], ...values])
  // The console does not decode + as a space.
  return `https://${region}.console.aws.amazon.com/cloudformation/home?region=${region}#/stacks/quickcreate?${query.toString().replaceAll('+', '%20')}`
}
