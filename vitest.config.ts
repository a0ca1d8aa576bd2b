import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Libraries load graphql's CommonJS form, which Node picks; the bundler would load a second copy for our own files.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    setupFiles: 'test/support/setup.ts',
    pool: 'forks',
    maxWorkers: 2,
    // Of a machine that does other things as well.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
