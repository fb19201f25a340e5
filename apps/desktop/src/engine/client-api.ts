import type {
  AccountView,
  AppView,
  ConnectionView,
  ConversationView,
  DeviceView,
  GroupLinkView,
  LinkPageView,
  MemberPageView,
  MessagePageView,
  MessageView,
  PendingJoinView,
  PositionView,
  PresenceView,
  PrivacyView,
  ReadCountView,
  ReaderPageView,
  SearchPageView,
  ServerCheckView,
  SettingsView,
  UserView,
} from './views.ts';

export type PageAnchor =
  | { at: 'unread' }
  | { at: 'newest' }
  | { at: 'before'; order: number }
  | { at: 'after'; order: number }
  | { at: 'around'; order: number }
  /** Round the first message of that time or later; needs the server when it is not stored here. */
  | { at: 'date'; timeMs: number };

/** A change of a group; each has what it needs. */
export type GroupChangeParams =
  | { type: 'rename'; name: string }
  | { type: 'color'; avatarColor: number }
  | { type: 'announce'; text: string }
  | { type: 'invite'; userIds: string[] }
  | { type: 'remove'; userIds: string[] }
  | { type: 'leave' }
  | { type: 'role'; userId: string; role: 'member' | 'admin' }
  | { type: 'transfer'; userId: string }
  /** 0: no longer. */
  | { type: 'mute'; userIds: string[]; untilMs: number }
  | { type: 'muteAll'; on: boolean }
  | { type: 'approval'; on: boolean }
  | { type: 'decide'; userIds: string[]; approve: boolean };

/** What of my own view of a conversation changes; works offline and follows to my other devices. */
export interface ConversationSettingsParams {
  silentUntilMs?: number;
  pinned?: boolean;
  archived?: boolean;
  markedUnread?: boolean;
}

/** What the client says without being asked. Each event carries whole new values: applying one twice does no harm. */
export interface ClientEvents {
  connection: ConnectionView;
  account: AccountView | null;
  settings: SettingsView;
  conversations: ConversationView[];
  messages: { conversationId: string; changed: MessageView[]; removed: string[] };
  /** Who is typing there now, by name; empty: nobody any more. */
  typing: { conversationId: string; names: string[] };
  presence: PresenceView[];
  /** Somebody read on in this group: counts on the screen are out of date. */
  readers: { conversationId: string };
}

/**
 * The client's face to the bridge and the SDK. Every method rejects with a FastimError (a name of the error catalogue)
 * and nothing else. `start` opens the store and connects if there is an account; `stop` writes what is pending, closes
 * everything and is idempotent; what was accepted before a crash is there after the next start.
 */
export interface ClientApi {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Returns the function that ends the subscription. Listeners must not throw. */
  on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void): () => void;

  app(): Promise<AppView>;
  /** Says by its result what is there; rejects only with what a FastIM server itself answered, or for no address. */
  checkServer(params: { serverUrl: string }): Promise<ServerCheckView>;
  register(params: {
    serverUrl: string;
    username: string;
    displayName: string;
    password: string;
  }): Promise<AccountView>;
  logIn(params: { serverUrl: string; username: string; password: string }): Promise<AccountView>;
  logOut(): Promise<void>;
  searchUsers(params: { query: string }): Promise<UserView[]>;

  listConversations(): Promise<ConversationView[]>;
  openDirect(params: { userId: string }): Promise<ConversationView>;
  setOpenConversation(params: { conversationId: string | null }): Promise<void>;
  messagesPage(params: { conversationId: string; anchor: PageAnchor; limit: number }): Promise<MessagePageView>;
  /**
   * Resolves when the message and its outbox row are on disk, before anything is sent. With a `key` (client_msg_id, 32
   * hex digits) a repeat has no second effect and returns the message; without one the client makes it.
   */
  sendMessage(params: {
    conversationId: string;
    text: string;
    key?: string;
    mentions?: string[];
    mentionAll?: boolean;
    /** conv_seq of the message answered. */
    replyTo?: number;
  }): Promise<MessageView>;
  /**
   * Edits, recalls and reactions go through the outbox as messages do: they resolve when they are on disk here, work
   * offline, and have one effect.
   */
  editMessage(params: {
    conversationId: string;
    convSeq: number;
    text: string;
    mentions?: string[];
    mentionAll?: boolean;
  }): Promise<void>;
  recallMessage(params: { conversationId: string; convSeq: number }): Promise<void>;
  react(params: { conversationId: string; convSeq: number; emoji: string; on: boolean }): Promise<void>;
  /** On all my devices, and only there. */
  deleteForMe(params: { conversationId: string; convSeqs: number[] }): Promise<void>;
  /** Each message to each conversation, in order; at most 100 messages and 9 conversations. */
  forwardMessages(params: { conversationId: string; convSeqs: number[]; to: string[] }): Promise<void>;
  retryMessage(params: { key: string }): Promise<void>;
  discardMessage(params: { key: string }): Promise<void>;
  markRead(params: { conversationId: string; convSeq: number }): Promise<void>;
  setDraft(params: { conversationId: string; text: string }): Promise<void>;
  getPosition(params: { conversationId: string }): Promise<PositionView | null>;
  setPosition(params: { conversationId: string; position: PositionView }): Promise<void>;
  setSettings(params: { patch: Partial<SettingsView> }): Promise<SettingsView>;
  retryConnection(): Promise<void>;

  createGroup(params: {
    name: string;
    avatarColor: number;
    userIds: string[];
    key?: string;
  }): Promise<ConversationView>;
  /** Resolves when the server stored it; `userIds`: those it was really done to. */
  changeGroup(params: {
    conversationId: string;
    change: GroupChangeParams;
    key?: string;
  }): Promise<{ userIds: string[] }>;
  groupMembers(params: {
    conversationId: string;
    query: string;
    after: string | null;
    limit: number;
  }): Promise<MemberPageView>;
  groupLinks(params: { conversationId: string }): Promise<GroupLinkView[]>;
  /** `expiresMs` and `maxUses` 0: no end. */
  makeGroupLink(params: { conversationId: string; expiresMs: number; maxUses: number }): Promise<GroupLinkView>;
  revokeGroupLink(params: { conversationId: string; token: string }): Promise<void>;
  /** `link`: a whole URL of this server, or its token. */
  lookAtLink(params: { link: string }): Promise<LinkPageView>;
  /** null: the request waits for an admin. */
  joinByLink(params: { token: string; key?: string }): Promise<ConversationView | null>;
  pendingJoins(params: { conversationId: string }): Promise<PendingJoinView[]>;
  readCounts(params: { conversationId: string; convSeqs: number[] }): Promise<ReadCountView[]>;
  readers(params: {
    conversationId: string;
    convSeq: number;
    unread: boolean;
    after: string | null;
    limit: number;
  }): Promise<ReaderPageView>;

  setConversationSettings(params: {
    conversationId: string;
    patch: ConversationSettingsParams;
  }): Promise<ConversationView>;
  /** Tells the others; call it while the user types, the client holds it to one in 3 s. Never rejects for the network. */
  typing(params: { conversationId: string }): Promise<void>;
  /** The users whose presence is on the screen; what is known comes back, changes come as events. */
  watchPresence(params: { userIds: string[] }): Promise<PresenceView[]>;
  privacy(): Promise<PrivacyView>;
  setPrivacy(params: { showOnline: boolean }): Promise<PrivacyView>;
  devices(): Promise<DeviceView[]>;
  /** Logs that device out; its connections close at once. */
  endDevice(params: { sessionId: string }): Promise<void>;
  /** Everything on this device, at once and offline. */
  searchMessages(params: {
    query: string;
    conversationId?: string;
    senderId?: string;
    fromMs?: number;
    toMs?: number;
    after?: { timeMs: number; msgId: string };
    limit: number;
  }): Promise<SearchPageView>;
}
