import { EnvelopArmorPlugin } from '@escape.tech/graphql-armor';
import { NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';

/** What one client may ask of the edge at most, on every transport. */
export const limits = {
  bodyMaxBytes: 1_000_000,
  bodyTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  frameMaxBytes: 256 * 1024,
  socketOperations: 50,
  tokens: 2_000,
  depth: 12,
  aliases: 15,
  directives: 10,
  cost: 10_000,
  validationErrors: 20,
} as const;

/** Refuses, before it runs, an operation that is too big, and introspection where it is switched off. */
export function limitPlugins(config: Config): Plugin[] {
  const armor: Plugin = EnvelopArmorPlugin({
    blockFieldSuggestion: { enabled: false },
    maxTokens: refusing(limits.tokens, 'tokens'),
    maxDepth: { ...refusing(limits.depth, 'levels'), flattenFragments: true },
    maxAliases: refusing(limits.aliases, 'aliases'),
    maxDirectives: refusing(limits.directives, 'directives'),
    // A field costs 1, one with a selection 2, all of it times `first` or `last`.
    costLimit: { ...refusing(limits.cost, 'cost'), maxCost: limits.cost, depthCostFactor: 1, flattenFragments: true },
  });
  return config.introspection ? [armor] : [armor, withRule(NoSchemaIntrospectionCustomRule)];
}

function refusing(n: number, what: string) {
  const reject = () => {
    throw new AppError('OPERATION_TOO_COMPLEX', `The operation is too big: at most ${n} ${what}.`);
  };
  return { n, onReject: [reject] };
}

function withRule(rule: ValidationRule): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(rule) };
}
