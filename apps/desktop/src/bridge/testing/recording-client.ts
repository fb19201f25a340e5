/** A client without an engine, for tests of what stands before it: records every call and answers as told. */
import type { ClientApi, ClientEvents } from '../../engine/client-api.ts';
import type {
  AccountView,
  AppView,
  ConversationView,
  GroupLinkView,
  MessageView,
  SettingsView,
} from '../../engine/views.ts';

type Method = Exclude<keyof ClientApi, 'on'>;

export const sampleUser = { userId: '7', username: 'bob', displayName: 'Bob' };
export const sampleSettings: SettingsView = { theme: 'system', language: 'system', sendKey: 'enter' };
export const sampleApp: AppView = {
  profile: 'default',
  account: null,
  connection: { state: 'idle' },
  settings: sampleSettings,
  suggestedServerUrl: 'http://127.0.0.1:8600',
  openConversationId: null,
};
export const sampleAccount: AccountView = { user: sampleUser, deviceId: '00', serverUrl: 'http://127.0.0.1:8600' };
export const sampleConversation: ConversationView = {
  conversationId: '41',
  kind: 'direct',
  title: 'Bob',
  peer: sampleUser,
  group: null,
  silentUntilMs: 0,
  pinnedMs: 0,
  archived: false,
  markedUnread: false,
  mentioned: false,
  headSeq: 3,
  readSeq: 3,
  unread: 0,
  unsent: 0,
  lastActivityMs: 1_800_000_000_000,
  preview: null,
  draft: '',
  peerDeliveredSeq: 0,
  peerReadSeq: 0,
};
export const sampleMessage: MessageView = {
  key: '0123456789abcdef0123456789abcdef',
  conversationId: '41',
  msgId: null,
  convSeq: null,
  senderId: '1',
  senderName: 'Alice',
  mine: true,
  kind: 'text',
  text: 'hello',
  mentions: [],
  mentionAll: false,
  mentionsMe: false,
  reply: null,
  forwardedFrom: null,
  edited: false,
  recalled: null,
  reactions: [],
  notice: null,
  editableUntilMs: 0,
  recallableUntilMs: null,
  changing: false,
  timeMs: 1_800_000_000_000,
  status: 'sending',
  failure: null,
  order: 4,
};

const sampleLink: GroupLinkView = {
  token: 'abc',
  url: 'http://127.0.0.1:8600/join/abc',
  creatorName: 'Bob',
  expiresMs: 0,
  maxUses: 0,
  uses: 1,
  createdMs: 1_800_000_000_000,
};

const answers: { readonly [M in Method]: Awaited<ReturnType<ClientApi[M]>> } = {
  start: undefined,
  stop: undefined,
  app: sampleApp,
  checkServer: { ok: true, name: 'Home', version: '0.1.0', tls: false, latencyMs: 3 },
  register: sampleAccount,
  logIn: sampleAccount,
  logOut: undefined,
  searchUsers: [sampleUser],
  listConversations: [sampleConversation],
  openDirect: sampleConversation,
  setOpenConversation: undefined,
  messagesPage: {
    conversationId: '41',
    messages: [sampleMessage],
    hasOlder: false,
    hasNewer: false,
    firstUnreadSeq: null,
  },
  sendMessage: sampleMessage,
  editMessage: undefined,
  recallMessage: undefined,
  react: undefined,
  deleteForMe: undefined,
  forwardMessages: undefined,
  searchMessages: { hits: [{ message: sampleMessage, conversationTitle: 'Bob' }], next: null },
  readCounts: [{ convSeq: 3, read: 1, of: 2 }],
  readers: { users: [sampleUser], next: null },
  retryMessage: undefined,
  discardMessage: undefined,
  markRead: undefined,
  setDraft: undefined,
  getPosition: null,
  setPosition: undefined,
  setConversationSettings: sampleConversation,
  createGroup: sampleConversation,
  changeGroup: { userIds: ['7'] },
  groupMembers: { members: [{ user: sampleUser, role: 'owner', mutedUntilMs: 0, joinedMs: 1 }], next: null },
  groupLinks: [sampleLink],
  makeGroupLink: sampleLink,
  revokeGroupLink: undefined,
  lookAtLink: {
    token: 'abc',
    conversationId: '41',
    name: 'Hikers',
    avatarColor: 3,
    memberCount: 2,
    joinApproval: false,
    inviterName: 'Bob',
    member: false,
    requested: false,
  },
  joinByLink: null,
  pendingJoins: [{ user: sampleUser, requestedMs: 1 }],
  typing: undefined,
  watchPresence: [{ userId: '7', state: 'online', lastSeenMs: 0 }],
  privacy: { showOnline: true },
  setPrivacy: { showOnline: false },
  devices: [{ sessionId: '77', deviceName: 'Laptop', current: true, online: true, createdMs: 1, lastSeenMs: 2 }],
  endDevice: undefined,
  setSettings: sampleSettings,
  retryConnection: undefined,
};

export interface RecordedCall {
  method: Method;
  params: unknown;
}

export interface RecordingClient extends ClientApi {
  readonly calls: RecordedCall[];
  /** Replaces what a method does from now on. */
  behave(method: Method, action: (params: unknown) => unknown): void;
  emit<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void;
  readonly subscriptions: number;
}

export function createRecordingClient(): RecordingClient {
  const calls: RecordedCall[] = [];
  const actions = new Map<Method, (params: unknown) => unknown>();
  const listeners = new Map<string, Set<(payload: never) => void>>();
  const methods = Object.fromEntries(
    (Object.keys(answers) as Method[]).map((method) => [
      method,
      async (params?: unknown) => {
        calls.push({ method, params });
        const action = actions.get(method);
        return action ? action(params) : answers[method];
      },
    ]),
  ) as unknown as Omit<ClientApi, 'on'>;
  return {
    ...methods,
    calls,
    behave(method, action) {
      actions.set(method, action);
    },
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set);
      set.add(listener as (payload: never) => void);
      return () => {
        set.delete(listener as (payload: never) => void);
      };
    },
    emit(event, payload) {
      for (const listener of [...(listeners.get(event) ?? [])]) listener(payload as never);
    },
    get subscriptions() {
      let count = 0;
      for (const set of listeners.values()) count += set.size;
      return count;
    },
  };
}
