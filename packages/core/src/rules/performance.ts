/**
 * What following a rule does to performance, by rule; others change nothing that a user notices. Apart from the rules,
 * because the API shows it and does not judge.
 */
export const performanceOf: Readonly<Partial<Record<string, string>>> = {
  'aws-database-extended-support': 'A new major version may run queries in another way: test before.',
  'aws-function-oversized':
    'There is less memory and CPU. The highest memory use and the mean CPU time of 14 days fit.',
  'aws-graviton': 'Software must be built for arm64. It is usually as fast as before or faster: test before.',
  'aws-instance-off-hours': 'The instance does not run outside of working time.',
  'aws-nat-gateway-without-endpoint': 'Connections to the service that are open when the route changes are cut once.',
  'aws-previous-generation': 'The newer generation is usually faster at the same size: test before.',
  'aws-volume-io1': 'The latency of each operation is higher on gp3. Operations and throughput stay the same.',
  'aws-volume-iops-oversized': 'There are fewer operations a second: peaks within an hour may wait.',
  'azure-premium-disk-underused': 'The latency of each operation is higher on a standard SSD.',
}
