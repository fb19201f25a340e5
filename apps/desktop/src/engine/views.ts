/**
 * What the engine shows: plain JSON values for the UI and the SDK. Ids are decimal strings, times are ms since the
 * Unix epoch on the server's clock (the local clock for what the server has not seen yet).
 */

export interface UserView {
  userId: string;
  username: string;
  displayName: string;
}

/** clock → ✓ → ✓✓ → ✓✓ blue; `failed` is the red mark with Retry. States only rise, but for failed → sending by retry. */
export type MessageStatus = 'sending' | 'stored' | 'delivered' | 'read' | 'failed';

export interface MessageView {
  /** client_msg_id in hex: the same from the first key stroke to the stored message. Unique with senderId. */
  key: string;
  conversationId: string;
  /** null until the server stored it. */
  msgId: string | null;
  convSeq: number | null;
  senderId: string;
  mine: boolean;
  kind: 'text' | 'unsupported';
  text: string;
  timeMs: number;
  /** Of my own messages; 'stored' for those of others. */
  status: MessageStatus;
  /** Why it failed, a name of the error catalogue; only with status 'failed'. */
  failure: string | null;
  /**
   * Place in the conversation: rises from old to new. conv_seq for stored messages; my unstored ones come after every
   * stored one, in the order in which they were written.
   */
  order: number;
}

export interface ConversationView {
  conversationId: string;
  kind: 'direct' | 'group';
  /** The peer's display name in a direct conversation. */
  title: string;
  peer: UserView | null;
  headSeq: number;
  readSeq: number;
  unread: number;
  /** My messages that are only on this device: being sent, or failed. */
  unsent: number;
  lastActivityMs: number;
  preview: { text: string; mine: boolean; status: MessageStatus; timeMs: number } | null;
  draft: string;
  /** The peer's cursors; 0 in groups. */
  peerDeliveredSeq: number;
  peerReadSeq: number;
}

export type ConnectionView =
  /** Signed out, or not started. */
  | { state: 'idle' }
  | { state: 'connecting' }
  /** Connected; missed messages are being pulled. */
  | { state: 'syncing' }
  | { state: 'online' }
  /** Waiting to try again at `retryAtMs` (local clock). */
  | { state: 'offline'; retryAtMs: number; reason: 'network' | 'server' | 'overloaded' }
  /** The session is over; the user has to log in again. */
  | { state: 'ended'; reason: 'logged-out' | 'banned' | 'upgrade' };

export interface AccountView {
  user: UserView;
  deviceId: string;
  serverUrl: string;
}

export interface SettingsView {
  theme: 'system' | 'light' | 'dark';
  language: 'system' | 'en' | 'zh-CN';
  /** Which key sends: Enter (Shift+Enter breaks the line) or Ctrl/⌘+Enter. */
  sendKey: 'enter' | 'ctrl-enter';
}

/** Everything a fresh UI needs to draw its first screen. */
export interface AppView {
  profile: string;
  account: AccountView | null;
  connection: ConnectionView;
  settings: SettingsView;
  /** Where the login form starts: the last server used, or the one this app came with. */
  suggestedServerUrl: string;
  /** Restored after a restart. */
  openConversationId: string | null;
}

/**
 * Where a check of a server ended: nobody at the address (or no network), no secure connection, no answer in time,
 * something answered that is no FastIM server, or it speaks versions of the protocol that this app does not.
 */
export type ServerCheckStep = 'address' | 'tls' | 'timeout' | 'not-fastim' | 'version';

export type ServerCheckView =
  | { ok: true; name: string; version: string; tls: boolean; latencyMs: number }
  /** `detail` is English, for those who run the server. */
  | { ok: false; step: ServerCheckStep; detail: string };

/** A window of a conversation. */
export interface MessagePageView {
  conversationId: string;
  /** Rising `order`. */
  messages: MessageView[];
  hasOlder: boolean;
  hasNewer: boolean;
  /** conv_seq of the first message that was unread when the page was read; null: none. */
  firstUnreadSeq: number | null;
}

/** Where the list stood: the message at the top of the view and how far it is scrolled past it. */
export interface PositionView {
  /** `order` of the anchor message. */
  order: number;
  offsetPx: number;
  atEnd: boolean;
}
