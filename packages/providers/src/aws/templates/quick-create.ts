import type { AwsSetup } from '@cloudoptima/core'

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html */
export function quickCreateUrl(
  region: string,
  { templateUrl, externalId, principal }: Parameters<AwsSetup['quickCreateUrl']>[0],
): string {
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)) throw new TypeError(`${region} is no AWS region`)
  const query = new URLSearchParams({
    templateURL: templateUrl,
    stackName: 'CloudOptimaRead',
    param_ExternalId: externalId,
    param_PrincipalArn: principal,
  })
  const console = `https://${region}.console.aws.amazon.com/cloudformation/home?region=${region}`
  // The console does not decode + as a space.
  return `${console}#/stacks/quickcreate?${query.toString().replaceAll('+', '%20')}`
}
