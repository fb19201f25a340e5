import type {
  AccountView,
  ConnectionView,
  ConversationView,
  DeviceView,
  GroupLinkView,
  GroupView,
  LinkPageView,
  MemberView,
  MessageStatus,
  MessageView,
  NameView,
  NoticeView,
  PendingJoinView,
  PresenceView,
  ReactionView,
  ReadCountView,
  ReplyView,
  RoleView,
  UserView,
} from '../engine/views.ts';

/** A user: `userId` is a decimal string that never changes. */
export type User = UserView;
/** Who is logged in here, and where. */
export type Account = AccountView;
/** A message as it is now: after edits, with its reactions; recalled ones have no words. */
export type Message = MessageView;
/** `sending`, `stored` (one tick), `delivered`, `read`, or `failed`. */
export type Status = MessageStatus;
/** A user and the name to show. */
export type Name = NameView;
/** What somebody did to a group. */
export type Notice = NoticeView;
/** An emoji on a message, how many gave it, and the first of them. */
export type Reaction = ReactionView;
/** The message that another one answers. */
export type Reply = ReplyView;
/** A conversation: its title, head, read cursor, unread count and settings. */
export type Conversation = ConversationView;
/** What a group's conversation has besides. */
export type Group = GroupView;
/** `member`, `admin` or `owner`. */
export type Role = RoleView;
/** A member of a group. */
export type Member = MemberView;
/** An invite link of a group. */
export type GroupLink = GroupLinkView;
/** What a link shows before one joins. */
export type LinkPage = LinkPageView;
/** Somebody who asked to join. */
export type PendingJoin = PendingJoinView;
/** How many have read a message in a group. */
export type ReadCount = ReadCountView;
/** A session of this account. */
export type Device = DeviceView;
/** Whether somebody is online. */
export type Presence = PresenceView;
/** Where the connection to the server stands. */
export type Connection = ConnectionView;

/** Where a message stands; a {@link Message} that the server has stored is one. */
export interface MessageRef {
  readonly conversationId: string;
  /** `null`: not stored by the server yet, so nothing can refer to it. */
  readonly convSeq: number | null;
}

/** What goes with the words of a message. */
export interface SendOptions {
  /** Users mentioned by it (`@`), at most 50. */
  readonly mentions?: readonly string[];
  /** Mentions every member; in groups for owner and admins only. */
  readonly mentionAll?: boolean;
  /** The message that this one answers, of the same conversation. */
  readonly replyTo?: MessageRef;
  /**
   * 32 hexadecimal digits of your own, the idempotency key: sending again with the same key has no second effect and gives
   * the message of the first time. Without it each call is a message of its own.
   */
  readonly key?: string;
  /** Ends the waiting (not the sending) early. */
  readonly signal?: AbortSignal;
}

/** What {@link FastimClient.search} may be narrowed to. */
export interface SearchFilters {
  readonly conversationId?: string;
  readonly senderId?: string;
  readonly from?: Date;
  readonly to?: Date;
  /** Rows in a page, 1 to 200; 50 by default. */
  readonly pageSize?: number;
}

/** A message found. */
export interface SearchHit {
  readonly message: Message;
  readonly conversationTitle: string;
}

/** Where {@link FastimClient.history} begins, and how it goes on. */
export interface HistoryOptions {
  /** A message (not included), a moment, or one end. By default the newest message. */
  readonly from?: MessageRef | Date | 'newest' | 'oldest';
  /** Towards older or newer messages; by default older, and newer from a moment or the oldest. */
  readonly direction?: 'older' | 'newer';
  /** Messages in a page, 1 to 200; 50 by default. */
  readonly pageSize?: number;
}

/** My own view of a conversation; it follows to my other devices. */
export interface ConversationSettings {
  /** No notifications before then (ms since 1970), and not in the total; 0: not muted. */
  readonly silentUntilMs?: number;
  readonly pinned?: boolean;
  readonly archived?: boolean;
  readonly markedUnread?: boolean;
}
