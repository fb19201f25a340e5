import { z } from 'zod';

/** What nodes answer to the questions of the cluster. Newer nodes may say more; it is passed on as it is. */

const connection = z.looseObject({ connectionId: z.number(), userId: z.string().nullable() });
export const connectionsAnswer = z.object({ gateId: z.string(), total: z.number(), connections: z.array(connection) });

const traceEntry = z.looseObject({
  atMs: z.number(),
  what: z.string(),
  logId: z.number(),
  msgId: z.string().optional(),
});
const cursor = z.object({ userId: z.string(), deliveredSeq: z.number(), readSeq: z.number() });
const storedMessage = z.object({
  msgId: z.string(),
  conversationId: z.string(),
  convSeq: z.number(),
  senderId: z.string(),
  serverTimeMs: z.number(),
  /** Of a direct conversation. */
  cursors: z.array(cursor),
});
export const messageAnswer = z.object({ entries: z.array(traceEntry), stored: storedMessage.nullable() });
export type MessageAnswer = z.infer<typeof messageAnswer>;
export type StoredMessage = z.infer<typeof storedMessage>;

export const userAnswer = z.object({ userId: z.string().nullable() });

/** `error`: it could not be done, or not wholly. */
export const kickAnswer = z.object({ sessionIds: z.array(z.string()), error: z.string().nullable() });
export type KickAnswer = z.infer<typeof kickAnswer>;
