export interface Role {
  arn: string
  account: string
}

// A path, then a name: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
const roleArn = /^arn:aws(?:-cn|-us-gov)?:iam::(?<account>\d{12}):role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/

/** Parses the ARN of a role; undefined if it is not one. */
export function parseRole(arn: string): Role | undefined {
  const account = roleArn.exec(arn)?.groups?.['account']
  return account === undefined || arn.length > 2048 ? undefined : { arn, account }
}
