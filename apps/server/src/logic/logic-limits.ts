/** Bounds that are no operator's business. Times in ms. */

/** Bytes of message bodies that wait to be stored; past it SEND is answered OVERLOADED. */
export const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Stored messages whose ids are remembered, for late copies of them that are refused. */
export const RECENT_SENDS = 50_000;
/** Cursor moves in the buffer; past it CURSOR is answered OVERLOADED. */
export const MAX_BUFFERED_MOVES = 50_000;
/** Cursor moves that flush the buffer before its time. */
export const CURSOR_FLUSH_MOVES = 1_000;
/** Cursor moves of one user: 1,000 moves may come in one frame, and each is a look-up. */
export const cursorMoveRate = { perSecond: 2_000, burst: 10_000 } as const;
/** Pulls (SYNC, CONVERSATIONS, HISTORY, MEMBERS …) of one user: each may read 100 rows. */
export const pullRate = { perSecond: 100, burst: 500 } as const;
/** What goes through all members of a group takes one more pull for so many of them; below the burst for the largest. */
export const MEMBERS_A_PULL = 1_000;
/** Conversations per connection whose deliveries are watched; beyond it the heartbeat has to do. */
export const MAX_WATCHED_CONVERSATIONS = 500;
export const MAX_HEARTBEAT_MOVED = 50;
/** How far before a client's "since" changes are looked for: longer than a message waits for its commit. */
export const SINCE_OVERLAP = 10_000;
export const DEFAULT_PAGE = 50;
/** Conversations whose kind, and of direct ones whose two members, are remembered. */
export const MEMBERS_REMEMBERED = 50_000;
/** Sessions ended lately: a log-in that was being checked meanwhile must not slip through. */
export const ENDED_SESSIONS_REMEMBERED = 10_000;
/** Access tokens are 43 characters; far longer ones are not worth a look-up. */
export const MAX_ACCESS_TOKEN_LENGTH = 512;
/** Advice for errors of ours, spread over half of it and the whole, so that not all come back at once. */
export const retryAfter = {
  storageFull: 10_000,
  unavailable: 2_000,
  overloaded: 1_000,
  userFull: 60_000,
  behindRefused: 100,
} as const;
/** What those are told who are refused under overload: just above what is let in, and a whole class or more above. */
export const overloadRetry = { least: 1_000, most: 8_000 } as const;
/** No client waits longer for an answer before it gives up or asks again. */
export const CLIENT_PATIENCE = 15_000;
/** Connections are told to leave in steps of this. */
export const LEAVE_STEP = 100;
export const TICK = 500;
export const SWEEP = 60_000;
/** Writes of one's own settings (drafts among them) of one user. */
export const settingsRate = { perSecond: 10, burst: 200 } as const;
/** TYPING of one user that is passed on; more is dropped. */
export const typingRate = { perSecond: 2, burst: 10 } as const;
export const MAX_WATCHED_USERS = 100;
/** A user who left is told to be offline only after this: most come back at once. */
export const OFFLINE_AFTER = 3_000;
/** Before others are told that a user is online: what follows in this time goes out together. */
export const ONLINE_AFTER = 100;
/** After a change of presence could not be told because the storage or the registry did not answer. */
export const PRESENCE_AGAIN_AFTER = 5_000;
/** Users whose time of leaving is remembered. */
export const LAST_SEEN_REMEMBERED = 50_000;
/** How long a membership is believed where a wrong answer harms nobody (typing, read counts). */
export const STANDING_BELIEVED = 5_000;
export const STANDINGS_REMEMBERED = 20_000;
/** Read counts of a group are told at most this often. */
export const READERS_TOLD_EVERY = 500;
/** Newest messages of a hot conversation that are kept for pulls; and what all of them may take. */
export const TAIL_LENGTH = 256;
export const MAX_TAIL_BYTES = 1024 * 1024;
export const MAX_TAILS_BYTES = 64 * 1024 * 1024;
export const MAX_TAILS = 2_000;
/** Messages that wait for one before them until a tail starts anew. */
export const MAX_TAIL_GAP = 64;
/** UTF-16 units of a search among members, and of a place in a list. */
export const MAX_MEMBER_QUERY = 128;
/** Memberships looked up at once when a gate asks who is a member still. */
export const INTEREST_LOOKUPS = 32;
