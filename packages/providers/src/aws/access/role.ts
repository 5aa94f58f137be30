/** A role in a customer's account. */
export interface Role {
  arn: string
  account: string
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: a path, then a name of up to 64
// characters.
const roleArn = /^arn:aws(?:-cn|-us-gov)?:iam::(?<account>\d{12}):role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/

/** Parses the ARN of a role; undefined if it is not one. */
export function parseRole(arn: string): Role | undefined {
  const account = roleArn.exec(arn)?.groups?.['account']
  return account === undefined || arn.length > 2048 ? undefined : { arn, account }
}
