import type { SSTConfig } from 'sst'
import { Alarms } from './stacks/alarms.ts'
import { Api } from './stacks/api.ts'
import { prepare, trim } from './stacks/app.ts'
import { Events } from './stacks/events.ts'
import { Identity } from './stacks/identity.ts'
import { Operator } from './stacks/operator.ts'
import { Queues } from './stacks/queues.ts'
import { Reactions } from './stacks/reactions.ts'
import { Storage } from './stacks/storage.ts'
import { Timers } from './stacks/timers.ts'
import { Workflows } from './stacks/workflows.ts'

export default {
  config: () => ({ name: 'cloudoptima', region: process.env['AWS_REGION'] ?? 'us-east-1' }),
  async stacks(app) {
    await prepare(app)
    app
      .stack(Alarms)
      .stack(Storage)
      .stack(Events)
      .stack(Queues)
      .stack(Timers)
      .stack(Identity)
      .stack(Workflows)
      .stack(Api)
      .stack(Reactions)
      .stack(Operator)
    trim(app)
  },
} satisfies SSTConfig
