/** Whether the processors of a type are Graviton: their family has a g after its number, `m7g`, `c6gn`. */
export const isArm = (type: string): boolean => /^[a-z]+\d+g/.test(type)

/** What EC2 says of a type. There is a type of each well-formed name. */
export function instanceType(name: string): object[] {
  if (!/^[a-z]{1,3}\d{1,2}[a-z-]*\.(nano|micro|small|medium|(\d+x?)?large|xlarge|\d+xlarge|metal)$/.test(name))
    return []
  const family = name.split('.')[0] ?? ''
  return [
    {
      InstanceType: name,
      CurrentGeneration: true,
      InstanceStorageSupported: /\d[a-z]*d|^(d|h|i|im|is)\d/.test(family),
      SupportedRootDeviceTypes: ['ebs'],
      SupportedVirtualizationTypes: ['hvm'],
      ProcessorInfo: { SupportedArchitectures: [isArm(name) ? 'arm64' : 'x86_64'] },
      NetworkInfo: { EnaSupport: 'required', MaximumNetworkInterfaces: 4 },
      EbsInfo: { NvmeSupport: 'required' },
    },
  ]
}
