import { RequestCache } from '@pothos/plugin-scope-auth';
import type { Actor, RequestCtx } from '../context.ts';

/** Goes on with the request as `actor`, for what a mutation's answer selects; scopes judged for the former one are dropped. */
export function actAs(ctx: RequestCtx, actor: Actor): void {
  ctx.actor = actor;
  RequestCache.clearForContext(ctx);
}
