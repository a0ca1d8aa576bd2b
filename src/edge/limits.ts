import { EnvelopArmorPlugin } from '@escape.tech/graphql-armor';
import { NoSchemaIntrospectionCustomRule, type ValidationRule, visit } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { oneAttemptRule } from './one-attempt.ts';

/** What one client may ask of the edge at most, on every transport. */
export const limits = {
  bodyMaxBytes: 1_000_000,
  bodyTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  frameMaxBytes: 256 * 1024,
  /** Frames that one socket takes in `frameWindowMs`. */
  frames: 1_000,
  frameWindowMs: 10_000,
  socketOperations: 50,
  /** Sockets and SSE streams of one person or key, on one process; without credentials, of one address. */
  connections: 50,
  /** What may wait for a client that reads slower than it asks. */
  unreadMaxBytes: 4 * 1024 * 1024,
  tokens: 1_000,
  depth: 12,
  aliases: 15,
  directives: 10,
  /** Validation compares the fields of one selection with each other. */
  breadth: 100,
  cost: 10_000,
  /** Of a query; a mutation runs to its end, each of its statements with a limit of the database's own. */
  queryTimeoutMs: 30_000,
  validationErrors: 20,
} as const;

/** Plugins that refuse an operation for its size as a text, and introspection where it is switched off. */
export function limitPlugins(config: Config): Plugin[] {
  const armor: Plugin = EnvelopArmorPlugin({
    blockFieldSuggestion: { enabled: false },
    maxTokens: refusing(limits.tokens, 'tokens'),
    maxDepth: { ...refusing(limits.depth, 'levels'), flattenFragments: true },
    maxAliases: refusing(limits.aliases, 'aliases'),
    maxDirectives: refusing(limits.directives, 'directives'),
    // Armor's does not see a page size that is a variable, or left out; see operation-cost.ts.
    costLimit: { enabled: false },
  });
  const rules = [breadthRule, oneAttemptRule, ...(config.introspection ? [] : [NoSchemaIntrospectionCustomRule])];
  return [armor, ...rules.map(withRule)];
}

/** @throws AppError when the answer could have more fields than one operation may ask for */
export function assertAffordable(cost: number): void {
  const what = 'fields, those of every page counted';
  if (cost > limits.cost) throw tooBig(limits.cost, what, { cost: { requested: cost, maximum: limits.cost } });
}

function tooBig(max: number, what: string, details = {}): AppError {
  return new AppError('OPERATION_TOO_COMPLEX', `The operation is too big: at most ${max} ${what}.`, details);
}

function refusing(n: number, what: string) {
  const reject = () => {
    throw tooBig(n, what);
  };
  return { n, onReject: [reject] };
}

const breadthRule: ValidationRule = () => ({
  Document(document) {
    visit(document, {
      SelectionSet({ selections }) {
        if (selections.length > limits.breadth) throw tooBig(limits.breadth, 'fields side by side');
      },
    });
  },
});

function withRule(rule: ValidationRule): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(rule) };
}
