import {
  editBody,
  GroupRole,
  MessageKind,
  NoticeAction,
  noticeBody,
  reactionBody,
  recallBody,
  textBody,
} from '@fastim/protocol';

/** A message as it was stored, before anything that happened to it later. */
export interface LogEntry {
  readonly convSeq: number;
  readonly msgId: string;
  readonly senderId: string;
  /** client_msg_id in hex. */
  readonly key: string;
  readonly kind: number;
  readonly body: Uint8Array;
  readonly serverTimeMs: number;
}

/** From the notice of coming to the notice of going; 0: still there. */
export interface Stay {
  readonly join: number;
  leave: number;
}

export interface MemberTruth {
  readonly stays: Stay[];
  role: number;
  readSeq: number;
  /** Of direct conversations. */
  deliveredSeq: number;
  settings: SettingsTruth;
  readonly hidden: Set<number>;
  /** conv_seqs at which a right to write was taken. */
  lastSilencedAt: number;
}

export interface SettingsTruth {
  silentUntilMs: number;
  pinnedMs: number;
  archived: boolean;
  markedUnread: boolean;
  draft: string;
}

export interface GroupTruth {
  name: string;
  avatarColor: number;
  announcement: string;
  muteAll: boolean;
  joinApproval: boolean;
}

/** What one message is in the end. */
export interface PresentMessage {
  readonly convSeq: number;
  readonly msgId: string;
  readonly key: string;
  readonly senderId: string;
  readonly kind: 'text' | 'notice';
  text: string;
  edited: boolean;
  recalledBy: string | undefined;
  readonly replySeq: number;
  readonly forwardedFrom: string;
  /** emoji → users, in order. */
  readonly reactions: Map<string, Set<string>>;
  readonly notice: { readonly action: number; readonly userIds: readonly string[] } | undefined;
}

/**
 * One conversation, worked out from the stored log and nothing else: the simulator's own idea of what everybody should
 * see. Written to be plain, not fast, and without any code of the parts that it judges.
 */
export class ConversationTruth {
  readonly conversationId: string;
  readonly isGroup: boolean;
  readonly log: LogEntry[] = [];
  readonly members = new Map<string, MemberTruth>();
  readonly group: GroupTruth = {
    name: '',
    avatarColor: 0,
    announcement: '',
    muteAll: false,
    joinApproval: false,
  };
  readonly #present = new Map<string, PresentMessage[]>();

  constructor(conversationId: string, isGroup: boolean) {
    this.conversationId = conversationId;
    this.isGroup = isGroup;
  }

  get head(): number {
    return this.log.length;
  }

  enter(userId: string, join: number, role: number): void {
    const member = this.members.get(userId);
    if (member) {
      member.stays.push({ join, leave: 0 });
      member.role = role;
      return;
    }
    this.members.set(userId, {
      stays: [{ join, leave: 0 }],
      role,
      readSeq: 0,
      deliveredSeq: 0,
      settings: { silentUntilMs: 0, pinnedMs: 0, archived: false, markedUnread: false, draft: '' },
      hidden: new Set(),
      lastSilencedAt: 0,
    });
  }

  isMember(userId: string): boolean {
    return this.members.get(userId)?.stays.at(-1)?.leave === 0;
  }

  /** Whether the user was there when it was stored. */
  mayKnow(userId: string, convSeq: number): boolean {
    const stays = this.members.get(userId)?.stays ?? [];
    return stays.some(({ join, leave }) => join <= convSeq && (leave === 0 || convSeq <= leave));
  }

  /** The present stay, or the last one. */
  range(userId: string): { from: number; to: number; left: boolean } | undefined {
    const stay = this.members.get(userId)?.stays.at(-1);
    if (!stay) return undefined;
    return { from: stay.join, to: stay.leave === 0 ? this.head : stay.leave, left: stay.leave !== 0 };
  }

  /** A stored message takes its place. */
  add(entry: LogEntry): void {
    this.log.push(entry);
    this.#present.clear();
    if (entry.kind === MessageKind.notice) this.#notice(entry);
  }

  /** What is shown of it as of `upTo`: texts and notices with all that happened to them until then. */
  present(upTo: number): PresentMessage[] {
    const key = String(upTo);
    const known = this.#present.get(key);
    if (known) return known;
    const shown = new Map<number, PresentMessage>();
    for (const entry of this.log.slice(0, upTo)) {
      const made = shownForm(entry);
      if (made) shown.set(entry.convSeq, made);
      else happen(shown, entry);
    }
    const result = [...shown.values()];
    this.#present.set(key, result);
    return result;
  }

  /** Texts above the place up to which the user has seen everything. */
  unread(userId: string): number {
    const range = this.range(userId);
    const member = this.members.get(userId);
    if (!range || !member) return 0;
    let base = Math.max(member.readSeq, range.from - 1);
    for (const { convSeq, senderId } of this.log)
      if (senderId === userId && convSeq <= range.to) base = Math.max(base, convSeq);
    return this.log.filter(({ kind, convSeq }) => kind === MessageKind.text && convSeq > base && convSeq <= range.to)
      .length;
  }

  #notice({ convSeq, senderId, body }: LogEntry): void {
    const notice = noticeBody.decode(body);
    const userIds = notice.userIds.map(String);
    switch (notice.action) {
      case NoticeAction.created:
        this.group.name = notice.text;
        this.group.avatarColor = notice.number;
        this.enter(senderId, convSeq, GroupRole.owner);
        for (const userId of userIds) this.enter(userId, convSeq, GroupRole.member);
        break;
      case NoticeAction.invited:
      case NoticeAction.approved:
      case NoticeAction.joined:
        for (const userId of userIds.length > 0 ? userIds : [senderId]) this.enter(userId, convSeq, GroupRole.member);
        break;
      case NoticeAction.removed:
        for (const userId of userIds) this.#exit(userId, convSeq);
        break;
      case NoticeAction.left:
        this.#exit(senderId, convSeq);
        break;
      case NoticeAction.roleChanged:
        for (const userId of userIds) this.members.get(userId)!.role = notice.number;
        break;
      case NoticeAction.transferred:
        this.members.get(senderId)!.role = GroupRole.admin;
        for (const userId of userIds) this.members.get(userId)!.role = GroupRole.owner;
        break;
      case NoticeAction.renamed:
        this.group.name = notice.text;
        break;
      case NoticeAction.colored:
        this.group.avatarColor = notice.number;
        break;
      case NoticeAction.announced:
        this.group.announcement = notice.text;
        break;
      case NoticeAction.allMuted:
        this.group.muteAll = notice.number === 1;
        if (notice.number === 1) for (const member of this.members.values()) member.lastSilencedAt = convSeq;
        break;
      case NoticeAction.muted:
        for (const userId of userIds) this.members.get(userId)!.lastSilencedAt = convSeq;
        break;
      case NoticeAction.approvalChanged:
        this.group.joinApproval = notice.number === 1;
        break;
    }
  }

  #exit(userId: string, convSeq: number): void {
    const member = this.members.get(userId);
    const stay = member?.stays.at(-1);
    if (!member || !stay || stay.leave !== 0) return;
    stay.leave = convSeq;
    member.role = GroupRole.member;
    member.lastSilencedAt = convSeq;
  }
}

function shownForm(entry: LogEntry): PresentMessage | undefined {
  const { convSeq, msgId, key, senderId } = entry;
  const common = { convSeq, msgId, key, senderId, edited: false, recalledBy: undefined, reactions: new Map() };
  if (entry.kind === MessageKind.text) {
    const { text, replySeq, forwardedFrom } = textBody.decode(entry.body);
    const from = forwardedFrom === 0n ? '' : String(forwardedFrom);
    return { ...common, kind: 'text', text, replySeq, forwardedFrom: from, notice: undefined };
  }
  if (entry.kind === MessageKind.notice) {
    const { action, userIds } = noticeBody.decode(entry.body);
    const notice = { action, userIds: userIds.map(String) };
    return { ...common, kind: 'notice', text: '', replySeq: 0, forwardedFrom: '', notice };
  }
  return undefined;
}

function happen(shown: ReadonlyMap<number, PresentMessage>, { kind, body, senderId }: LogEntry): void {
  if (kind === MessageKind.edit) {
    const { targetSeq, text } = editBody.decode(body);
    const target = shown.get(targetSeq);
    if (!target || target.recalledBy !== undefined) return;
    target.text = text;
    target.edited = true;
  } else if (kind === MessageKind.recall) {
    const target = shown.get(recallBody.decode(body).targetSeq);
    if (!target || target.recalledBy !== undefined) return;
    target.recalledBy = senderId;
    target.text = '';
    target.reactions.clear();
  } else if (kind === MessageKind.reaction) {
    const { targetSeq, emoji, removed } = reactionBody.decode(body);
    const target = shown.get(targetSeq);
    if (!target || target.recalledBy !== undefined) return;
    const users = target.reactions.get(emoji) ?? new Set<string>();
    if (removed) users.delete(senderId);
    else users.add(senderId);
    if (users.size > 0) target.reactions.set(emoji, users);
    else target.reactions.delete(emoji);
  }
}
