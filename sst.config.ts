import type { SSTConfig } from 'sst'
import { Alarms } from './stacks/alarms.ts'
import { Api } from './stacks/api.ts'
import { prepare, trim } from './stacks/app.ts'
import { Events } from './stacks/events.ts'
import { Identity } from './stacks/identity.ts'
import { Pipeline } from './stacks/pipeline.ts'
import { Storage } from './stacks/storage.ts'
import { Subscribers } from './stacks/subscribers.ts'

export default {
  config: () => ({ name: 'cloudoptima', region: process.env['AWS_REGION'] ?? 'us-east-1' }),
  stacks(app) {
    prepare(app)
    app.stack(Alarms).stack(Storage).stack(Events).stack(Identity).stack(Pipeline).stack(Api).stack(Subscribers)
    trim(app)
  },
} satisfies SSTConfig
