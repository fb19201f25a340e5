import type {
  AccountView,
  AppView,
  ConnectionView,
  ConversationView,
  MessagePageView,
  MessageView,
  PositionView,
  ServerCheckView,
  SettingsView,
  UserView,
} from './views.ts';

export type PageAnchor =
  | { at: 'unread' }
  | { at: 'newest' }
  | { at: 'before'; order: number }
  | { at: 'after'; order: number }
  | { at: 'around'; order: number };

/** What the client says without being asked. Each event carries whole new values: applying one twice does no harm. */
export interface ClientEvents {
  connection: ConnectionView;
  account: AccountView | null;
  settings: SettingsView;
  conversations: ConversationView[];
  messages: { conversationId: string; changed: MessageView[]; removed: string[] };
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
  sendMessage(params: { conversationId: string; text: string; key?: string }): Promise<MessageView>;
  retryMessage(params: { key: string }): Promise<void>;
  discardMessage(params: { key: string }): Promise<void>;
  markRead(params: { conversationId: string; convSeq: number }): Promise<void>;
  setDraft(params: { conversationId: string; text: string }): Promise<void>;
  getPosition(params: { conversationId: string }): Promise<PositionView | null>;
  setPosition(params: { conversationId: string; position: PositionView }): Promise<void>;
  setSettings(params: { patch: Partial<SettingsView> }): Promise<SettingsView>;
  retryConnection(): Promise<void>;
}
