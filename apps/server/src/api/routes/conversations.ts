import type { Clock } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import { z } from 'zod';
import type { ConversationStore } from '../../storage/conversation-store.ts';
import type { UserStore } from '../../storage/user-store.ts';
import { type Api, userAnswer } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import { idempotencyHeaders } from '../idempotency.ts';
import { errorResponses, idText, user } from '../schemas.ts';

export interface ConversationRouteOptions {
  users: UserStore;
  conversations: ConversationStore;
  bearer: Bearer;
  clock: Clock;
  makeConversationId: () => bigint;
}

export function addConversationRoutes(api: Api, options: ConversationRouteOptions): void {
  const { users, conversations, bearer, clock, makeConversationId } = options;
  api.post(
    '/v1/conversations/direct',
    {
      onRequest: bearer.required,
      config: { idempotencyScope: (request) => `user ${bearer.identityOf(request).userId}` },
      schema: {
        headers: idempotencyHeaders,
        tags: ['conversations'],
        summary: 'The direct conversation with another user, opened if there is none; safe to repeat',
        security: [{ bearer: [] }],
        body: z.strictObject({ userId: idText }),
        response: { 200: z.object({ conversationId: idText, created: z.boolean(), peer: user }), ...errorResponses },
      },
    },
    async (request) => {
      const { userId } = bearer.identityOf(request);
      const peerId = BigInt(request.body.userId);
      if (peerId === userId) throw new FastimError('BAD_REQUEST', 'A direct conversation needs another user.');
      const [peer] = await users.byIds([peerId]);
      if (!peer) throw new FastimError('NOT_FOUND');
      const { conversationId, created } = await conversations.openDirect(
        userId,
        peerId,
        makeConversationId(),
        clock.now(),
      );
      return { conversationId: String(conversationId), created, peer: userAnswer(peer) };
    },
  );
}
