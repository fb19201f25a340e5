/** Hard limits of the wire (DESIGN 4; reliability-security (f)). Bytes unless the name says otherwise. */
export const MAX_DATA_BEFORE_LOGIN = 4 * 1024;
export const MAX_DATA_AFTER_LOGIN = 64 * 1024;
/** One WebSocket message, in either direction: one or more whole frames. */
export const MAX_WEBSOCKET_MESSAGE = 256 * 1024;
/** UTF-8 bytes of one text message. */
export const MAX_TEXT_LENGTH = 16 * 1024;
export const CLIENT_MSG_ID_LENGTH = 16;
/** Repeated fields in one request. */
export const MAX_REPEATED = 1000;
export const MAX_SYNC_PAGE = 100;
export const MAX_HISTORY_PAGE = 100;
/** UTF-16 units of a group's name, after trimming. */
export const MAX_GROUP_NAME = 64;
export const MAX_ANNOUNCEMENT = 2000;
export const AVATAR_COLORS = 12;
/** Users in one invitation, removal or other change of a group. */
export const MAX_USERS_A_CHANGE = 200;
export const MAX_MENTIONS = 50;
/** UTF-16 units of one reaction: the longest emoji sequences have 14 or so. */
export const MAX_EMOJI = 32;
/** Different reactions on one message. */
export const MAX_EMOJIS_A_MESSAGE = 20;
/** user_ids named by one ReactionCount. */
export const REACTION_USERS_NAMED = 20;
export const MAX_MEMBERS_PAGE = 100;
export const MAX_READ_COUNTS = 50;
/** UTF-16 units of a draft that follows to other devices. */
export const MAX_DRAFT = 4000;
/** Asking for more rows than this is an error; for more than a page holds, it is not. */
export const MAX_PAGE_ASKED = 1000;
/** Members up to which typing and read counts are told live. */
export const SMALL_GROUP = 50;
