import { z } from 'zod';
import { foldText } from '../../storage/fold-text.ts';
import type { UserStore } from '../../storage/user-store.ts';
import { type Api, userAnswer } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import { errorResponses, user } from '../schemas.ts';

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

const limitText = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .refine((text) => Number(text) >= 1, 'must be at least 1')
  .meta({ description: `1 to ${MAX_LIMIT}; more is held to ${MAX_LIMIT}` });

const queryText = z
  .string()
  .max(64)
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must not have control characters')
  .refine((text) => text.trim() !== '', 'must not be empty');

export function addUserRoutes(api: Api, { users, bearer }: { users: UserStore; bearer: Bearer }): void {
  api.get(
    '/v1/users',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['users'],
        summary: 'Find other users by name: the exact name first, then what starts with it, then what holds it',
        security: [{ bearer: [] }],
        querystring: z.strictObject({ query: queryText, limit: limitText.optional() }),
        response: { 200: z.object({ users: z.array(user) }), ...errorResponses },
      },
    },
    async (request) => {
      const { userId } = bearer.identityOf(request);
      const limit = Math.min(MAX_LIMIT, Number(request.query.limit ?? DEFAULT_LIMIT));
      // One more, because the asker may be among them.
      const found = await users.search(foldText(request.query.query.trim()), limit + 1);
      return {
        users: found
          .filter((candidate) => candidate.userId !== userId)
          .slice(0, limit)
          .map(userAnswer),
      };
    },
  );
}
