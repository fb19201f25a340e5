import { fastim } from '../generated/fastim.js';
import type { Codec } from './codec.ts';
import { count, fieldsCodec, flag, id, list, number, text } from './fields.ts';

/** The `body` of a message, by its kind. */
export interface TextBody {
  text: string;
  mentions: bigint[];
  mentionAll: boolean;
  /** conv_seq of the message answered; 0: none. */
  replySeq: number;
  /** Who wrote it first; 0n: not forwarded. */
  forwardedFrom: bigint;
}

export interface EditBody {
  targetSeq: number;
  text: string;
  mentions: bigint[];
  mentionAll: boolean;
}

export interface RecallBody {
  targetSeq: number;
}

export interface ReactionBody {
  targetSeq: number;
  emoji: string;
  removed: boolean;
}

export interface NoticeBody {
  /** NoticeAction. */
  action: number;
  userIds: bigint[];
  text: string;
  number: number;
}

export const textBody: Codec<TextBody> = fieldsCodec(fastim.v1.TextBody, {
  text,
  mentions: list(id),
  mentionAll: flag,
  replySeq: count,
  forwardedFrom: id,
});

export const editBody: Codec<EditBody> = fieldsCodec(fastim.v1.EditBody, {
  targetSeq: count,
  text,
  mentions: list(id),
  mentionAll: flag,
});

export const recallBody: Codec<RecallBody> = fieldsCodec(fastim.v1.RecallBody, { targetSeq: count });

export const reactionBody: Codec<ReactionBody> = fieldsCodec(fastim.v1.ReactionBody, {
  targetSeq: count,
  emoji: text,
  removed: flag,
});

export const noticeBody: Codec<NoticeBody> = fieldsCodec(fastim.v1.NoticeBody, {
  action: number,
  userIds: list(id),
  text,
  number: count,
});

/** A text message and nothing else: no mentions, no reply, not forwarded. */
export function plainText(words: string): TextBody {
  return { text: words, mentions: [], mentionAll: false, replySeq: 0, forwardedFrom: 0n };
}
