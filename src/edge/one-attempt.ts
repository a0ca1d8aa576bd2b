import {
  type ASTVisitor,
  type GraphQLField,
  getNamedType,
  isInputObjectType,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { AppError } from '../errors.ts';

const guessable = /^(code|password|currentPassword|token|refreshToken|challengeToken|backupCode)$/;

/**
 * A mutation that anybody may call, or that takes something one could guess, stands in a document once, under whatever
 * alias: a hundred guesses in one request would be one request to every limit in front of us (OWASP, batching attacks).
 */
export const oneAttemptRule: ValidationRule = (context: ValidationContext): ASTVisitor => {
  const seen = new Set<string>();
  return {
    Field() {
      if (context.getParentType() !== context.getSchema().getMutationType()) return;
      const field = context.getFieldDef();
      if (!field || !isAttempt(field)) return;
      if (seen.has(field.name))
        throw new AppError('OPERATION_TOO_COMPLEX', `${field.name} may stand in a document once.`);
      seen.add(field.name);
    },
  };
};

function isAttempt({ args, extensions }: GraphQLField<unknown, unknown>): boolean {
  const { authScopes } = (extensions.pothosOptions ?? {}) as { authScopes?: unknown };
  const isPublic = typeof authScopes === 'object' && authScopes !== null && 'public' in authScopes;
  return isPublic || args.some(({ type }) => hasGuessable(getNamedType(type)));
}

function hasGuessable(type: ReturnType<typeof getNamedType>): boolean {
  return isInputObjectType(type) && Object.keys(type.getFields()).some((name) => guessable.test(name));
}
