/** A role in a customer's account, as its ARN names it. */
export interface Role {
  arn: string
  account: string
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: a path, then a name of up to 64 characters.
const roleArn = /^arn:aws(?:-cn|-us-gov)?:iam::(?<account>\d{12}):role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/

/** undefined when the text is no ARN of a role. */
export function parseRole(arn: string): Role | undefined {
  const account = roleArn.exec(arn)?.groups?.['account']
  return account === undefined || arn.length > 2048 ? undefined : { arn, account }
}
