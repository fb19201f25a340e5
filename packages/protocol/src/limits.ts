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
