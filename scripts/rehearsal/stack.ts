import type { Account } from './account.ts'
import { poll } from './api.ts'

/** Creates a stack from a template; returns its outputs. */
export async function deployStack(
  account: Account,
  StackName: string,
  TemplateBody: string,
  parameters: Record<string, string> = {},
): Promise<Record<string, string>> {
  const cloudformation = async (action: string, more: object = {}) =>
    await account.query('cloudformation', action, '2010-05-15', { StackName, ...more })
  const named = Object.entries(parameters).flatMap(([key, value], index) => [
    [`Parameters.member.${index + 1}.ParameterKey`, key],
    [`Parameters.member.${index + 1}.ParameterValue`, value],
  ])
  await cloudformation('CreateStack', {
    TemplateBody,
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    ...(Object.fromEntries(named) as object),
  })
  const description = await poll(
    async () => await cloudformation('DescribeStacks'),
    (xml) => !xml.includes('_IN_PROGRESS'),
  )
  if (!description.includes('<StackStatus>CREATE_COMPLETE<')) throw new Error(`the stack ${StackName}: ${description}`)
  const outputs = description.matchAll(/<OutputKey>([^<]+)<\/OutputKey>\s*<OutputValue>([^<]*)</g)
  return Object.fromEntries([...outputs].map(([, name = '', value = '']) => [name, value]))
}
