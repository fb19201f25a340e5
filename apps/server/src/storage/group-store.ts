import type {
  ErrorName,
  GroupLink,
  GroupMember,
  GroupProfile,
  Message,
  PendingJoin,
  ReadCount,
  UserProfile,
} from '@fastim/protocol';

export interface NewGroup {
  creatorId: bigint;
  /** 16 bytes: the same creator and id again give the group that was made the first time. */
  clientMsgId: Uint8Array;
  conversationId: bigint;
  /** Of the notice. */
  msgId: bigint;
  name: string;
  avatarColor: number;
  /** Without the creator; each once; they exist. */
  memberIds: readonly bigint[];
  nowMs: number;
}

/** A change of a group; see GroupChange for what each uses. Lengths and numbers are checked, rights are not. */
export interface GroupChangeRequest {
  conversationId: bigint;
  actorId: bigint;
  clientMsgId: Uint8Array;
  /** Of the notice. */
  msgId: bigint;
  change: number;
  /** Each once; they exist. */
  userIds: readonly bigint[];
  text: string;
  number: number;
  nowMs: number;
  maxMembers: number;
}

export interface JoinByLink {
  token: string;
  userId: bigint;
  clientMsgId: Uint8Array;
  msgId: bigint;
  nowMs: number;
  maxMembers: number;
}

export type GroupOutcome =
  | {
      outcome: 'stored' | 'repeated';
      conversationId: bigint;
      /** As stored. */
      notice: Message;
      /** Who is in or out by this change; empty for a repeat. */
      added: readonly bigint[];
      removed: readonly bigint[];
      /** Those it was really done to. */
      userIds: readonly bigint[];
      removalsSeq: number;
    }
  /**
   * Allowed, and nothing to tell the group (the name it has already, a refused request to join). `adminIds`: whose
   * `version` rose by it.
   */
  | { outcome: 'unchanged'; conversationId: bigint; adminIds: readonly bigint[] }
  /** joinByLink only: waits for approval. `adminIds`: whose `version` rose by it. */
  | { outcome: 'requested'; conversationId: bigint; adminIds: readonly bigint[] }
  | { outcome: 'refused'; reason: ErrorName };

export interface MemberPageQuery {
  conversationId: bigint;
  /** Folded (fold-text.ts); empty: all. Matches where a user search would. */
  queryKey: string;
  after: string;
  limit: number;
}

export interface ReaderPageQuery {
  conversationId: bigint;
  convSeq: number;
  unread: boolean;
  after: string;
  limit: number;
}

/**
 * Groups. Every change is one transaction: the rights (core's rules, by the rows as they are then), the rows, and one
 * notice that takes the next conv_seq and does not count as unread. A repeat (same actor and client_msg_id) gives what
 * was stored the first time and changes nothing. The group's last member who leaves leaves an empty group that nobody
 * can enter.
 *
 * A member who joins (again) sees from the notice of joining on. One who leaves keeps what was up to the notice of it.
 * Someone who comes back has a new join_seq; read cursor and settings stay, and so does being muted.
 * Removing, muting and roles: those who are not members or not below the actor are left out (userIds of the outcome says
 * who was not); nobody left: refused. Inviting members again is left out likewise: nobody left: ALREADY_MEMBER.
 * GROUP_FULL when not all fit: then nobody is added.
 *
 * A link works as long as its creator is in the group and may have links (refuseLinks, by the rows as they are): whoever
 * is removed, or loses the right, leaves no door open. A use is counted once for everybody who comes by it, or asks to.
 *
 * members, readers: by role (owner first), then user_id; `next` continues there and is empty at the end. Cost: the page,
 * never the group. An `after` that this storage did not make reads as the start.
 * readCounts: members whose read_seq reached each conv_seq, without the message's sender; members who joined later do not
 * count on either side.
 */
export interface GroupStore {
  create(group: NewGroup): Promise<GroupOutcome>;
  change(request: GroupChangeRequest): Promise<GroupOutcome>;
  joinByLink(request: JoinByLink): Promise<GroupOutcome>;

  members(query: MemberPageQuery): Promise<{ members: GroupMember[]; next: string }>;
  readCounts(conversationId: bigint, convSeqs: readonly number[]): Promise<ReadCount[]>;
  readers(query: ReaderPageQuery): Promise<{ users: UserProfile[]; next: string }>;

  /** Idempotent by (creator, clientMsgId). Rights: core's refuseLinks; at most `maxLinks` that work. */
  makeLink(link: {
    conversationId: bigint;
    creatorId: bigint;
    clientMsgId: Uint8Array;
    token: string;
    expiresMs: number;
    maxUses: number;
    maxLinks: number;
    nowMs: number;
  }): Promise<{ outcome: 'made'; link: GroupLink } | { outcome: 'refused'; reason: ErrorName }>;
  /** Those that work, newest first; refused for who may not have links. */
  links(
    conversationId: bigint,
    userId: bigint,
    nowMs: number,
  ): Promise<{ outcome: 'read'; links: GroupLink[] } | { outcome: 'refused'; reason: ErrorName }>;
  revokeLink(conversationId: bigint, userId: bigint, token: string, nowMs: number): Promise<ErrorName | undefined>;
  /** Undefined: it does not work (any more). */
  lookAtLink(
    token: string,
    userId: bigint,
    nowMs: number,
  ): Promise<
    | {
        conversationId: bigint;
        group: GroupProfile;
        member: boolean;
        requested: boolean;
        inviter: UserProfile | undefined;
      }
    | undefined
  >;
  /** Oldest first, at most 100; refused for who may not decide. */
  pendingJoins(
    conversationId: bigint,
    userId: bigint,
  ): Promise<{ outcome: 'read'; joins: PendingJoin[] } | { outcome: 'refused'; reason: ErrorName }>;
}
