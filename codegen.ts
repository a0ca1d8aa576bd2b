import type { CodegenConfig } from '@graphql-codegen/cli';

const scalars = { ID: 'string', DateTime: 'string', BigInt: 'number', JSON: 'unknown' };
const typedDocuments = {
  preset: 'client',
  presetConfig: { fragmentMasking: false, skipIndexFile: true },
  config: { documentMode: 'documentNode', importExtension: '.ts', useTypeImports: true, strictScalars: true, scalars },
} as const;
const exampleFolder = 'examples/apollo/src';

/** Typed documents out of the `graphql(…)` calls in the tests and in each example. `npm run codegen` runs it. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  ignoreNoDocuments: true,
  generates: {
    'test/generated/': { ...typedDocuments, documents: ['test/**/*.ts', '!test/generated/**'] },
    'examples/script/generated/': { ...typedDocuments, documents: ['examples/script/*.ts'] },
    [`${exampleFolder}/generated/`]: {
      ...typedDocuments,
      documents: [`${exampleFolder}/**/*.{ts,tsx}`, `!${exampleFolder}/generated/**`],
    },
    [`${exampleFolder}/generated/possible-types.ts`]: {
      plugins: ['fragment-matcher'],
      config: { apolloClientVersion: 3, useExplicitTyping: true },
    },
  },
};

export default config;
