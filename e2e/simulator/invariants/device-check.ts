import { GroupRole, NoticeAction } from '@fastim/protocol';
import type { Client } from '../../../apps/desktop/src/engine/client.ts';
import type { ConversationView, MessageView } from '../../../apps/desktop/src/engine/views.ts';
import type { ConversationTruth, PresentMessage } from '../model/conversation-truth.ts';
import type { Truth } from '../model/truth.ts';

export interface Difference {
  readonly invariant: string;
  readonly message: string;
}

const PAGE = 100;

/**
 * What one device shows, against what it should (I4, I6): every conversation of its user, every message from the first
 * that the user may see to the last, and all numbers. Goes through the pages as somebody does who scrolls.
 */
export class DeviceCheck {
  readonly #truth: Truth;
  readonly #userId: string;
  readonly #device: string;
  readonly differences: Difference[] = [];

  constructor(truth: Truth, userId: string, device: string) {
    this.#truth = truth;
    this.#userId = userId;
    this.#device = device;
  }

  /** Cheap, and nearly always enough to say "not yet". */
  async list(client: Client): Promise<ConversationView[]> {
    const app = await client.app();
    if (app.connection.state !== 'online') this.#differ('I11', `is ${app.connection.state}, not online`);
    const views = await client.listConversations();
    const shown = new Map(views.map((view) => [view.conversationId, view]));
    for (const [id, truth] of this.#truth.conversations) {
      const view = shown.get(id);
      // A direct conversation that nobody wrote in need not be there on every device.
      if (view) this.#conversation(truth, view);
      else if (truth.members.has(this.#userId) && truth.head > 0)
        this.#differ('I4', `does not have conversation ${id}`);
    }
    for (const id of shown.keys()) {
      const truth = this.#truth.conversations.get(id);
      if (!truth?.members.has(this.#userId)) this.#differ('I8', `has conversation ${id}, where its user never was`);
    }
    return views;
  }

  #conversation(truth: ConversationTruth, view: ConversationView): void {
    const range = truth.range(this.#userId);
    const member = truth.members.get(this.#userId);
    if (!range || !member) return;
    const of = `in ${truth.conversationId}`;
    this.#same('I4', `head ${of}`, view.headSeq, range.to);
    this.#same('I6', `unread ${of}`, view.unread, truth.unread(this.#userId));
    this.#same('I6', `read cursor ${of}`, view.readSeq, member.readSeq);
    this.#same('I1', `messages unsent ${of}`, view.unsent, view.unsent);
    const { settings } = member;
    this.#same('I4', `silence ${of}`, view.silentUntilMs, settings.silentUntilMs);
    this.#same('I4', `pinned ${of}`, view.pinnedMs, settings.pinnedMs);
    this.#same('I4', `archived ${of}`, view.archived, settings.archived);
    this.#same('I4', `marked unread ${of}`, view.markedUnread, settings.markedUnread);
    this.#same('I4', `draft ${of}`, view.draft, settings.draft);
    if (!truth.isGroup) {
      for (const [userId, peer] of truth.members) {
        if (userId === this.#userId) continue;
        this.#same('I9', `the other's read cursor ${of}`, view.peerReadSeq, peer.readSeq);
        this.#same('I9', `the other's delivered cursor ${of}`, view.peerDeliveredSeq, peer.deliveredSeq);
      }
    } else if (view.group) {
      this.#same('I4', `left ${of}`, view.group.left, range.left);
      if (range.left) return;
      const roles: Record<string, number> = {
        member: GroupRole.member,
        admin: GroupRole.admin,
        owner: GroupRole.owner,
      };
      this.#same('I4', `name ${of}`, view.title, truth.group.name);
      this.#same('I4', `colour ${of}`, view.group.avatarColor, truth.group.avatarColor);
      this.#same('I4', `announcement ${of}`, view.group.announcement, truth.group.announcement);
      this.#same('I4', `mute of all ${of}`, view.group.muteAll, truth.group.muteAll);
      this.#same('I4', `join approval ${of}`, view.group.joinApproval, truth.group.joinApproval);
      this.#same('I4', `own role ${of}`, roles[view.group.myRole] ?? 0, member.role);
      const count = [...truth.members.keys()].filter((userId) => truth.isMember(userId)).length;
      this.#same('I4', `member count ${of}`, view.group.memberCount, count);
    } else this.#differ('I4', `takes group ${truth.conversationId} for a direct conversation`);
  }

  /** Every message of one conversation. */
  async messages(client: Client, view: ConversationView): Promise<void> {
    const { conversationId } = view;
    const truth = this.#truth.conversations.get(conversationId);
    const range = truth?.range(this.#userId);
    if (!truth || !range) return;
    const shown = await this.#pages(client, conversationId);
    const hidden = truth.members.get(this.#userId)!.hidden;
    const expected = truth.present(range.to).filter(({ convSeq }) => convSeq >= range.from && !hidden.has(convSeq));
    const stored = shown.filter((message) => message.convSeq !== null);
    const of = `of ${conversationId}`;
    if (stored.length !== expected.length) {
      const have = new Set(stored.map(({ convSeq }) => convSeq));
      const want = new Set(expected.map(({ convSeq }) => convSeq));
      const missing = expected.filter(({ convSeq }) => !have.has(convSeq)).map(({ convSeq }) => convSeq);
      const more = stored.filter(({ convSeq }) => !want.has(convSeq!)).map(({ convSeq }) => convSeq);
      this.#differ(
        'I4',
        `shows ${stored.length} messages ${of}, not ${expected.length}: without ${missing}, with ${more}`,
      );
      return;
    }
    for (const [index, want] of expected.entries()) this.#message(truth, stored[index]!, want);
    const waiting = shown.filter(({ convSeq, status }) => convSeq === null && status !== 'failed');
    if (waiting.length > 0) this.#differ('I11', `still sends ${waiting.map(({ key }) => key)} ${of}`);
  }

  #message(truth: ConversationTruth, shown: MessageView, want: PresentMessage): void {
    const of = `of ${want.convSeq} in ${truth.conversationId}`;
    this.#same('I5', `place ${of}`, shown.convSeq, want.convSeq);
    this.#same('I4', `id ${of}`, shown.msgId, want.msgId);
    this.#same('I4', `key ${of}`, shown.key, want.key);
    this.#same('I4', `sender ${of}`, shown.senderId, want.senderId);
    this.#same('I4', `kind ${of}`, shown.kind, want.kind);
    if (want.kind === 'notice') {
      this.#same('I4', `notice ${of}`, shown.notice?.kind ?? '', noticeKinds[want.notice!.action] ?? 'other');
      return;
    }
    // Recalled after the user left: whoever had it before keeps it, whoever asks now gets it, or its edits, empty.
    if ((shown.recalled || shown.text === '') && !want.recalledBy && truth.range(this.#userId)?.left) {
      const now = truth.present(truth.head).find(({ convSeq }) => convSeq === want.convSeq);
      if (now?.recalledBy !== undefined) return;
    }
    this.#same('I4', `words ${of}`, shown.text, want.text);
    this.#same('I4', `edited mark ${of}`, shown.edited && !shown.recalled, want.edited && !want.recalledBy);
    this.#same('I4', `recalled mark ${of}`, shown.recalled?.by.userId ?? '', want.recalledBy ?? '');
    const reactions = [...want.reactions].map(([emoji, users]) => `${emoji}${users.size}${users.has(this.#userId)}`);
    const have = shown.reactions.map(({ emoji, count, mine }) => `${emoji}${count}${mine}`);
    this.#same('I4', `reactions ${of}`, have.sort().join(' '), reactions.sort().join(' '));
    if (want.recalledBy === undefined) this.#same('I4', `reply ${of}`, shown.reply?.convSeq ?? 0, want.replySeq);
    if (!shown.mine || truth.isGroup) return;
    const peer = [...truth.members].find(([userId]) => userId !== this.#userId)?.[1];
    if (!peer) return;
    const status = peer.readSeq >= want.convSeq ? 'read' : peer.deliveredSeq >= want.convSeq ? 'delivered' : 'stored';
    this.#same('I9', `tick ${of}`, shown.status, status);
  }

  async #pages(client: Client, conversationId: string): Promise<MessageView[]> {
    let page = await client.messagesPage({ conversationId, anchor: { at: 'newest' }, limit: PAGE });
    const all = [...page.messages];
    while (page.hasOlder && page.messages.length > 0) {
      const { order } = page.messages[0]!;
      page = await client.messagesPage({ conversationId, anchor: { at: 'before', order }, limit: PAGE });
      all.unshift(...page.messages);
    }
    return all;
  }

  #same<T>(invariant: string, what: string, shown: T, want: T): void {
    if (shown !== want) this.#differ(invariant, `${what} is ${JSON.stringify(shown)}, not ${JSON.stringify(want)}`);
  }

  #differ(invariant: string, message: string): void {
    this.differences.push({ invariant, message: `${this.#device}: ${message}` });
  }
}

const noticeKinds: Readonly<Record<number, string>> = {
  [NoticeAction.renamed]: 'renamed',
  [NoticeAction.colored]: 'colored',
  [NoticeAction.announced]: 'announced',
  [NoticeAction.invited]: 'invited',
  [NoticeAction.removed]: 'removed',
  [NoticeAction.left]: 'left',
  [NoticeAction.roleChanged]: 'role',
  [NoticeAction.transferred]: 'transferred',
  [NoticeAction.muted]: 'muted',
  [NoticeAction.allMuted]: 'all-muted',
  [NoticeAction.approvalChanged]: 'approval',
  [NoticeAction.approved]: 'approved',
  [NoticeAction.created]: 'created',
  [NoticeAction.joined]: 'joined',
};
