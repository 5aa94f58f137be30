import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'packages/**/*.test.ts',
      'functions/**/*.test.ts',
      'stacks/**/*.test.ts',
      'test/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    // Workers inherit the environment of the developer's shell; no test may reach an account with it.
    env: {
      // Nor the ECB.
      EXCHANGE_RATES_URL: '',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_SESSION_TOKEN: '',
      AWS_PROFILE: '',
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      // In CI, commands would color what they print.
      NO_COLOR: '1',
    },
    // node:sqlite says on every start that it is experimental.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // Tests wait for timers and child processes too: one worker more than processors keeps them busy.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
})
