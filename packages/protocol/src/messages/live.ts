import { fastim } from '../generated/fastim.js';
import type { Codec } from './codec.ts';
import { count, type Fields, fieldsCodec, flag, id, list, message, status } from './fields.ts';
import type { Status } from './status.ts';

/** What is true of the moment only: heads to pull, what is on whose screen, typing, presence. */
export interface Head {
  conversationId: bigint;
  headSeq: number;
}

export interface Typing {
  conversationId: bigint;
  userId: bigint;
}

export interface Presence {
  userId: bigint;
  online: boolean;
  /** The user does not show it, or the one who asks does not show theirs. */
  hidden: boolean;
  /** 0: not known. */
  lastSeenMs: number;
}

const presenceFields: Fields<Presence> = { userId: id, online: flag, hidden: flag, lastSeenMs: count };

/** Pieces of it may be put behind one another: that is one push of all their heads. */
export const headPush: Codec<{ heads: Head[] }> = fieldsCodec(fastim.v1.HeadPush, {
  heads: list(message<Head>({ conversationId: id, headSeq: count })),
});

/** conversationId 0n: none is on the screen. */
export const viewingRequest: Codec<{ conversationId: bigint }> = fieldsCodec(fastim.v1.ViewingRequest, {
  conversationId: id,
});

export const typingRequest: Codec<{ conversationId: bigint }> = fieldsCodec(fastim.v1.TypingRequest, {
  conversationId: id,
});

export const typingPush: Codec<{ typing: Typing[] }> = fieldsCodec(fastim.v1.TypingPush, {
  typing: list(message<Typing>({ conversationId: id, userId: id })),
});

export const presenceRequest: Codec<{ userIds: bigint[] }> = fieldsCodec(fastim.v1.PresenceRequest, {
  userIds: list(id),
});

export const presenceResponse: Codec<{ status: Status | undefined; presences: Presence[] }> = fieldsCodec(
  fastim.v1.PresenceResponse,
  { status, presences: list(message(presenceFields)) },
);

export const presencePush: Codec<{ presences: Presence[] }> = fieldsCodec(fastim.v1.PresencePush, {
  presences: list(message(presenceFields)),
});

export const readersPush: Codec<{ conversationIds: bigint[] }> = fieldsCodec(fastim.v1.ReadersPush, {
  conversationIds: list(id),
});
