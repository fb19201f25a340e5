import {
  type ConversationState,
  FastimError,
  type GroupMember,
  MAX_DATA_AFTER_LOGIN,
  MAX_PAGE_ASKED,
  type Message,
  type UserProfile,
} from '@fastim/protocol';
import { DEFAULT_PAGE } from './logic-limits.ts';

/** What a page's other fields take, generously. */
const ENVELOPE = 256;
/** Bytes of a message besides its body and marks, at most: 9 + 9 + 11 + 9 + 18 + 6 + 4 + 11 + 11 and its own length. */
const MESSAGE_OVERHEAD = 96;
/** Bytes of marks besides the reactions, at most: 11 + 11 + 9 + 11. */
const MARKS_OVERHEAD = 42;
/** Bytes of one reaction besides its emoji and its users, at most. */
const REACTION_OVERHEAD = 24;
const ID_BYTES = 8;
/** Bytes of a state besides its texts and its message, at most. */
const STATE_OVERHEAD = 384;
/** Bytes of a profile besides its names, at most; and of a member besides the profile. */
const PROFILE_OVERHEAD = 24;
const MEMBER_OVERHEAD = 48;
/** UTF-8 bytes of one UTF-16 unit, at most. */
const BYTES_PER_UNIT = 3;

/** 0 is "as you like"; whatever else is asked for, never over `max`. Throws for what nobody asks for who means it. */
export function pageLimit(asked: number, max: number): number {
  if (asked > MAX_PAGE_ASKED) throw new FastimError('BAD_REQUEST', `a page is no more than ${MAX_PAGE_ASKED} rows`);
  return Math.min(asked === 0 ? DEFAULT_PAGE : asked, max);
}

/** An upper bound of the encoded size, without encoding. */
export function messageSize(message: Message): number {
  const { body, marks } = message;
  if (!marks) return MESSAGE_OVERHEAD + body.length;
  let size = MESSAGE_OVERHEAD + body.length + MARKS_OVERHEAD;
  for (const { emoji, userIds } of marks.reactions) {
    size += REACTION_OVERHEAD + textSize(emoji) + userIds.length * ID_BYTES;
  }
  return size;
}

export function stateSize(state: ConversationState): number {
  const { peer, lastMessage, group, settings } = state;
  return (
    STATE_OVERHEAD +
    (peer ? profileSize(peer) : 0) +
    (group ? textSize(group.name) + textSize(group.announcement) : 0) +
    textSize(settings.draft) +
    (lastMessage ? messageSize(lastMessage) : 0)
  );
}

export function profileSize(profile: UserProfile): number {
  return PROFILE_OVERHEAD + textSize(profile.username) + textSize(profile.displayName);
}

export function memberSize(member: GroupMember): number {
  return MEMBER_OVERHEAD + profileSize(member.profile);
}

function textSize(text: string): number {
  return text.length * BYTES_PER_UNIT;
}

/**
 * How many rows from the start fit one response. At least one, so that who asks again always gets on: no stored row is
 * over the limit by itself.
 */
export function rowsThatFit<T>(rows: readonly T[], sizeOf: (row: T) => number): number {
  let left = MAX_DATA_AFTER_LOGIN - ENVELOPE;
  for (let index = 0; index < rows.length; index += 1) {
    left -= sizeOf(rows[index]!);
    if (left < 0) return Math.max(1, index);
  }
  return rows.length;
}
