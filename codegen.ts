import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the tests, out of the `graphql(…)` calls in them. `npm run codegen` runs it. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['test/**/*.ts', '!test/generated/**'],
  ignoreNoDocuments: true,
  generates: {
    'test/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false, skipIndexFile: true },
      config: {
        documentMode: 'documentNode',
        importExtension: '.ts',
        useTypeImports: true,
        strictScalars: true,
        scalars: { ID: 'string', DateTime: 'string', BigInt: 'number', JSON: 'unknown' },
      },
    },
  },
};

export default config;
