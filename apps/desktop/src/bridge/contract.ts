/**
 * Everything that passes between UI and engine, in one file. No Electron, Node or DOM: a port is handed in.
 * The engine side checks every argument against `params` (strict: unknown fields are refused) before it acts; what
 * comes back is typed only, since the engine is ours.
 */
import { z } from 'zod';
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
} from '../engine/views.ts';

export type * from '../engine/views.ts';

export { MAX_BRIDGE_MESSAGE } from './message-size.ts';

const id = z.string().regex(/^[1-9][0-9]{0,19}$/);
const key = z.string().regex(/^[0-9a-f]{32}$/);
const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** http(s) only, so that no file:, javascript: or UNC path ever reaches a client. */
const serverUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/i);
const username = z.string().min(1).max(128);
const password = z.string().min(1).max(1024);
const text = z.string().max(64 * 1024);
const limit = z.number().int().min(1).max(200);
const nothing = z.strictObject({});

/** Where a page of messages starts. */
export const pageAnchor = z.discriminatedUnion('at', [
  /** Round the first unread message, or at the end when there is none. */
  z.strictObject({ at: z.literal('unread') }),
  z.strictObject({ at: z.literal('newest') }),
  z.strictObject({ at: z.literal('before'), order: z.number().min(0) }),
  z.strictObject({ at: z.literal('after'), order: z.number().min(0) }),
  /** Round a place that was saved, or found. */
  z.strictObject({ at: z.literal('around'), order: z.number().min(0) }),
  z.strictObject({ at: z.literal('date'), timeMs: z.number().int().min(0) }),
]);
export type PageAnchor = z.infer<typeof pageAnchor>;

const ids = (max: number) => z.array(id).min(1).max(max);
const seqs = (max: number) => z.array(seq).min(1).max(max);
const timeMs = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const next = z.string().max(512).nullable();
const mentions = z.exactOptional(z.array(id).max(50));
const mentionAll = z.exactOptional(z.boolean());
/** Longer ones are the server's to refuse, with its own words. */
const groupText = z.string().max(16 * 1024);

export const groupChange = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('rename'), name: groupText }),
  z.strictObject({ type: z.literal('color'), avatarColor: z.number().int().min(0).max(255) }),
  z.strictObject({ type: z.literal('announce'), text: groupText }),
  z.strictObject({ type: z.literal('invite'), userIds: ids(1_000) }),
  z.strictObject({ type: z.literal('remove'), userIds: ids(1_000) }),
  z.strictObject({ type: z.literal('leave') }),
  z.strictObject({ type: z.literal('role'), userId: id, role: z.enum(['member', 'admin']) }),
  z.strictObject({ type: z.literal('transfer'), userId: id }),
  z.strictObject({ type: z.literal('mute'), userIds: ids(1_000), untilMs: timeMs }),
  z.strictObject({ type: z.literal('muteAll'), on: z.boolean() }),
  z.strictObject({ type: z.literal('approval'), on: z.boolean() }),
  z.strictObject({ type: z.literal('decide'), userIds: ids(1_000), approve: z.boolean() }),
]);

export const conversationSettingsPatch = z.strictObject({
  silentUntilMs: z.exactOptional(timeMs),
  pinned: z.exactOptional(z.boolean()),
  archived: z.exactOptional(z.boolean()),
  markedUnread: z.exactOptional(z.boolean()),
});

/** A field that is there has a value: `undefined` is not one. */
export const settingsPatch = z.strictObject({
  theme: z.exactOptional(z.enum(['system', 'light', 'dark'])),
  language: z.exactOptional(z.enum(['system', 'en', 'zh-CN'])),
  sendKey: z.exactOptional(z.enum(['enter', 'ctrl-enter'])),
});

function command<P extends z.ZodType>(params: P) {
  return <R>() => ({ params, result: undefined as unknown as R });
}

/** Command name → the schema of its argument, and (as a type) its result. */
export const commands = {
  /** The first call of every UI. */
  'app.open': command(nothing)<AppView>(),
  /** Tells whether a FastIM server answers there, or which step failed. */
  'server.check': command(z.strictObject({ serverUrl }))<ServerCheckView>(),
  'account.register': command(
    z.strictObject({ serverUrl, username, displayName: z.string().max(128), password }),
  )<AccountView>(),
  'account.logIn': command(z.strictObject({ serverUrl, username, password }))<AccountView>(),
  /** Ends the session on the server (as soon as it can be reached) and removes this account's data from the device. */
  'account.logOut': command(nothing)<null>(),
  'users.search': command(z.strictObject({ query: z.string().max(128) }))<UserView[]>(),
  /** Newest activity first. */
  'conversations.list': command(nothing)<ConversationView[]>(),
  'conversations.openDirect': command(z.strictObject({ userId: id }))<ConversationView>(),
  /** The conversation on the screen (null: none); kept over a restart, and its first page is pulled first. */
  'conversations.setOpen': command(z.strictObject({ conversationId: id.nullable() }))<null>(),
  /** Answers from the local store; what is missing locally is pulled first when online. */
  'messages.page': command(z.strictObject({ conversationId: id, anchor: pageAnchor, limit }))<MessagePageView>(),
  /**
   * Returns when the message is in the outbox on disk, with status 'sending'. Clears the draft with it. `key` is the
   * client_msg_id, made by the UI: a call whose answer was lost is made again with the same key, and has one effect.
   */
  'messages.send': command(
    z.strictObject({
      conversationId: id,
      text,
      key: z.exactOptional(key),
      mentions,
      mentionAll,
      replyTo: z.exactOptional(seq),
    }),
  )<MessageView>(),
  /** Through the outbox, as messages: on disk when they return, and they work offline. */
  'messages.edit': command(z.strictObject({ conversationId: id, convSeq: seq, text, mentions, mentionAll }))<null>(),
  'messages.recall': command(z.strictObject({ conversationId: id, convSeq: seq }))<null>(),
  'messages.react': command(
    z.strictObject({ conversationId: id, convSeq: seq, emoji: z.string().min(1).max(32), on: z.boolean() }),
  )<null>(),
  'messages.deleteForMe': command(z.strictObject({ conversationId: id, convSeqs: seqs(100) }))<null>(),
  'messages.forward': command(z.strictObject({ conversationId: id, convSeqs: seqs(100), to: ids(9) }))<null>(),
  'messages.search': command(
    z.strictObject({
      query: z.string().max(256),
      conversationId: z.exactOptional(id),
      senderId: z.exactOptional(id),
      fromMs: z.exactOptional(timeMs),
      toMs: z.exactOptional(timeMs),
      after: z.exactOptional(z.strictObject({ timeMs, msgId: id })),
      limit,
    }),
  )<SearchPageView>(),
  'messages.readCounts': command(z.strictObject({ conversationId: id, convSeqs: seqs(50) }))<ReadCountView[]>(),
  'messages.readers': command(
    z.strictObject({ conversationId: id, convSeq: seq, unread: z.boolean(), after: next, limit }),
  )<ReaderPageView>(),
  'messages.retry': command(z.strictObject({ key }))<null>(),
  /** Removes my failed message from this device. */
  'messages.discard': command(z.strictObject({ key }))<null>(),
  /** What was really on screen, with the window focused. Only rises. */
  'messages.markRead': command(z.strictObject({ conversationId: id, convSeq: seq }))<null>(),
  'drafts.set': command(z.strictObject({ conversationId: id, text }))<null>(),
  'positions.get': command(z.strictObject({ conversationId: id }))<PositionView | null>(),
  'positions.set': command(
    z.strictObject({
      conversationId: id,
      position: z.strictObject({ order: z.number().min(0), offsetPx: z.number(), atEnd: z.boolean() }),
    }),
  )<null>(),
  'conversations.settings': command(
    z.strictObject({ conversationId: id, patch: conversationSettingsPatch }),
  )<ConversationView>(),
  'groups.create': command(
    z.strictObject({
      name: groupText,
      avatarColor: z.number().int().min(0).max(255),
      userIds: z.array(id).max(1_000),
      key: z.exactOptional(key),
    }),
  )<ConversationView>(),
  'groups.change': command(z.strictObject({ conversationId: id, change: groupChange, key: z.exactOptional(key) }))<{
    userIds: string[];
  }>(),
  'groups.members': command(
    z.strictObject({ conversationId: id, query: z.string().max(128), after: next, limit }),
  )<MemberPageView>(),
  'groups.links': command(z.strictObject({ conversationId: id }))<GroupLinkView[]>(),
  'groups.makeLink': command(
    z.strictObject({ conversationId: id, expiresMs: timeMs, maxUses: z.number().int().min(0).max(100_000) }),
  )<GroupLinkView>(),
  'groups.revokeLink': command(z.strictObject({ conversationId: id, token: z.string().min(1).max(128) }))<null>(),
  /** The page shown before joining. */
  'groups.lookAtLink': command(z.strictObject({ link: z.string().min(1).max(2048) }))<LinkPageView>(),
  /** null: the request waits for an admin. */
  'groups.join': command(
    z.strictObject({ token: z.string().min(1).max(128), key: z.exactOptional(key) }),
  )<ConversationView | null>(),
  'groups.pendingJoins': command(z.strictObject({ conversationId: id }))<PendingJoinView[]>(),
  /** I am typing there; said while it goes on. */
  'typing.tell': command(z.strictObject({ conversationId: id }))<null>(),
  'presence.watch': command(z.strictObject({ userIds: z.array(id).max(100) }))<PresenceView[]>(),
  'privacy.get': command(nothing)<PrivacyView>(),
  'privacy.set': command(z.strictObject({ showOnline: z.boolean() }))<PrivacyView>(),
  'devices.list': command(nothing)<DeviceView[]>(),
  'devices.end': command(z.strictObject({ sessionId: id }))<null>(),
  'settings.set': command(z.strictObject({ patch: settingsPatch }))<SettingsView>(),
  /** The network came back, the machine woke, or the user pressed Retry: connect now. */
  'connection.retry': command(nothing)<null>(),
} as const;

export type CommandName = keyof typeof commands;
export type CommandParams<N extends CommandName> = z.infer<(typeof commands)[N]['params']>;
export type CommandResult<N extends CommandName> = (typeof commands)[N]['result'];

/** Engine → UI. Each carries the whole new value of what it names, so applying one twice does no harm. */
export interface BridgeEvents {
  connection: ConnectionView;
  /** null: signed out. */
  account: AccountView | null;
  settings: SettingsView;
  /** Conversations that changed or are new. */
  conversations: ConversationView[];
  /** Messages of one conversation that are new or changed, in rising `order`, and keys that are gone. */
  messages: { conversationId: string; changed: MessageView[]; removed: string[] };
  /** Who types there now, by name; empty: nobody any more. */
  typing: { conversationId: string; names: string[] };
  presence: PresenceView[];
  /** Somebody read on in this group: read counts on the screen are out of date. */
  readers: { conversationId: string };
  /** From the shell, not the engine: show this conversation (a notification was clicked). */
  show: { conversationId: string };
}

export type BridgeEventName = keyof BridgeEvents;

/** UI → engine: one JSON object a message. */
export interface BridgeRequest {
  /** From 1, never used twice on a port. Answers with id 0 belong to a message whose id could not be read. */
  id: number;
  command: CommandName;
  params: unknown;
}

/** Engine → UI. */
export type BridgeMessage =
  | { id: number; result: unknown }
  | { id: number; error: BridgeError }
  | { event: BridgeEventName; payload: unknown };

/** `reason` is a name of the error catalogue; `message` is English, for logs. */
export interface BridgeError {
  reason: string;
  message: string;
  retryAfterMs: number;
}

/** A two-way channel of strings: an Electron MessagePort, a WebSocket, or two ends in memory. */
export interface BridgePort {
  send(text: string): void;
  /** One receiver at a time. */
  onMessage(receiver: (text: string) => void): void;
  onClose(receiver: () => void): void;
  close(): void;
}
