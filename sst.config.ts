import type { SSTConfig } from 'sst'
import { Api } from './stacks/api.ts'
import { prepare, trim } from './stacks/app.ts'
import { Events } from './stacks/events.ts'
import { Pipeline } from './stacks/pipeline.ts'
import { Storage } from './stacks/storage.ts'

export default {
  config: () => ({ name: 'cloudoptima', region: process.env['AWS_REGION'] ?? 'us-east-1' }),
  stacks(app) {
    prepare(app)
    app.stack(Storage).stack(Events).stack(Pipeline).stack(Api)
    trim(app)
  },
} satisfies SSTConfig
