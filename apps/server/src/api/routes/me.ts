import { FastimError } from '@fastim/protocol';
import { z } from 'zod';
import type { UserRecord, UserStore } from '../../storage/user-store.ts';
import { type Api, userAnswer } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import { errorResponses, user } from '../schemas.ts';

const showOnline = z.boolean().meta({
  description: 'whether others see when this user is online; who hides it does not see it of others either',
});
const me = z.object({ user, showOnline });

export interface MeRouteOptions {
  users: UserStore;
  bearer: Bearer;
  showOnlineChanged: (userId: bigint) => void;
}

export function addMeRoutes(api: Api, { users, bearer, showOnlineChanged }: MeRouteOptions): void {
  const read = async (userId: bigint) => {
    const [record] = await users.byIds([userId]);
    if (!record) throw new FastimError('UNAUTHENTICATED');
    return answer(record);
  };

  api.get(
    '/v1/me',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['users'],
        summary: 'The user who is logged in',
        security: [{ bearer: [] }],
        response: { 200: me, ...errorResponses },
      },
    },
    (request) => read(bearer.identityOf(request).userId),
  );

  api.patch(
    '/v1/me',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['users'],
        summary: 'Change what is given; safe to repeat',
        security: [{ bearer: [] }],
        body: z.strictObject({ showOnline: showOnline.optional() }),
        response: { 200: me, ...errorResponses },
      },
    },
    async (request) => {
      const { userId } = bearer.identityOf(request);
      const { showOnline } = request.body;
      if (showOnline !== undefined) {
        await users.setShowOnline(userId, showOnline);
        showOnlineChanged(userId);
      }
      return read(userId);
    },
  );
}

function answer(record: UserRecord) {
  return { user: userAnswer(record), showOnline: record.showOnline };
}
