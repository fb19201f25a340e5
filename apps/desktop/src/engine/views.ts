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
  /** Display name; the user name where there is none, empty while it is not known. */
  senderName: string;
  mine: boolean;
  kind: 'text' | 'notice' | 'unsupported';
  /** The present words: after edits, empty when recalled. */
  text: string;
  mentions: NameView[];
  mentionAll: boolean;
  /** The mention of me or of all; not in my own messages. */
  mentionsMe: boolean;
  reply: ReplyView | null;
  forwardedFrom: NameView | null;
  edited: boolean;
  /** Taken back: by whom. `again`: my own words, for "edit again" until `againUntilMs`. */
  recalled: { by: NameView; mine: boolean; again: string | null; againUntilMs: number } | null;
  reactions: ReactionView[];
  /** What somebody did to the group; only with kind 'notice'. */
  notice: NoticeView | null;
  /** I may edit it until then; 0: not. And recall it: null means without end. */
  editableUntilMs: number;
  recallableUntilMs: number | null;
  /** An edit, recall or reaction of mine for it is on its way. */
  changing: boolean;
  timeMs: number;
  /** Of my own messages; 'stored' for those of others. */
  status: MessageStatus;
  /**
   * A name of the error catalogue. With status 'failed': why it was not taken. Else: why my last edit, recall or reaction
   * of it was not; it looks as before then, and the reason is gone with the next try.
   */
  failure: string | null;
  /**
   * Place in the conversation: rises from old to new. conv_seq for stored messages; my unstored ones come after every
   * stored one, in the order in which they were written.
   */
  order: number;
}

export interface NameView {
  userId: string;
  name: string;
}

/** The message answered, as it is now. `missing`: not on this device (yet); `hidden`: from before I joined. */
export interface ReplyView {
  convSeq: number;
  state: 'shown' | 'recalled' | 'missing' | 'hidden';
  senderName: string;
  text: string;
}

export interface ReactionView {
  emoji: string;
  count: number;
  mine: boolean;
  /** The first of them. */
  names: string[];
}

export type NoticeKind =
  | 'created'
  | 'renamed'
  | 'colored'
  | 'announced'
  | 'invited'
  | 'removed'
  | 'left'
  | 'role'
  | 'transferred'
  | 'muted'
  | 'all-muted'
  | 'approval'
  | 'approved'
  | 'joined'
  | 'other';

/** `number`: the new role (1–3), the end of a mute in ms (0: no more), or 1 and 0 for on and off. */
export interface NoticeView {
  kind: NoticeKind;
  actor: NameView;
  actorIsMe: boolean;
  users: NameView[];
  meAmong: boolean;
  text: string;
  number: number;
}

export type RoleView = 'member' | 'admin' | 'owner';

export interface GroupView {
  avatarColor: number;
  memberCount: number;
  announcement: string;
  ownerId: string;
  muteAll: boolean;
  joinApproval: boolean;
  myRole: RoleView;
  /** I may not write before then. */
  mutedUntilMs: number;
  /** I am not a member any more: the conversation can only be read. */
  left: boolean;
  /** Requests to join that wait for an admin; 0 for others. */
  pendingJoins: number;
  /** What I may do now: the menus to show. The server decides. */
  can: { write: boolean; mentionAll: boolean; edit: boolean; invite: boolean; manage: boolean; own: boolean };
}

export interface MemberView {
  user: UserView;
  role: RoleView;
  mutedUntilMs: number;
  joinedMs: number;
}

/** `next` continues with the next page; null: no more. */
export interface MemberPageView {
  members: MemberView[];
  next: string | null;
}

export interface GroupLinkView {
  token: string;
  /** What to hand to others. */
  url: string;
  creatorName: string;
  /** 0: never. */
  expiresMs: number;
  /** 0: no limit. */
  maxUses: number;
  uses: number;
  createdMs: number;
}

/** The page shown before joining. */
export interface LinkPageView {
  token: string;
  conversationId: string;
  name: string;
  avatarColor: number;
  memberCount: number;
  joinApproval: boolean;
  inviterName: string;
  member: boolean;
  requested: boolean;
}

export interface PendingJoinView {
  user: UserView;
  requestedMs: number;
}

export interface ReadCountView {
  convSeq: number;
  read: number;
  of: number;
}

export interface ReaderPageView {
  users: UserView[];
  next: string | null;
}

export interface DeviceView {
  sessionId: string;
  deviceName: string;
  /** This very device. */
  current: boolean;
  online: boolean;
  createdMs: number;
  lastSeenMs: number;
}

export interface PresenceView {
  userId: string;
  state: 'online' | 'offline' | 'hidden';
  /** 0: not known. */
  lastSeenMs: number;
}

export interface PrivacyView {
  showOnline: boolean;
}

/** A message found, and where its conversation stands. */
export interface SearchHitView {
  message: MessageView;
  conversationTitle: string;
}

export interface SearchPageView {
  hits: SearchHitView[];
  /** Continues behind the last hit; null: no more. */
  next: { timeMs: number; msgId: string } | null;
}

export interface ConversationView {
  conversationId: string;
  kind: 'direct' | 'group';
  /** The peer's display name in a direct conversation, else the group's name. */
  title: string;
  peer: UserView | null;
  /** Groups only. */
  group: GroupView | null;
  /** Notifications are off until then, and it is not in the total. */
  silentUntilMs: number;
  /** 0: not pinned. */
  pinnedMs: number;
  archived: boolean;
  markedUnread: boolean;
  /** An unread message mentions me. */
  mentioned: boolean;
  headSeq: number;
  readSeq: number;
  unread: number;
  /** My messages that are only on this device: being sent, or failed. */
  unsent: number;
  lastActivityMs: number;
  preview: PreviewView | null;
  draft: string;
  /** The peer's cursors; 0 in groups. */
  peerDeliveredSeq: number;
  peerReadSeq: number;
}

/** `senderName` in groups only; empty for me and for notices. */
export interface PreviewView {
  kind: MessageView['kind'];
  text: string;
  mine: boolean;
  senderName: string;
  recalled: boolean;
  notice: NoticeView | null;
  status: MessageStatus;
  timeMs: number;
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
