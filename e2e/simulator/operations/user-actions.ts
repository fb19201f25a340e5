import type { Client } from '../../../apps/desktop/src/engine/client.ts';
import type { ConversationView, MessageView } from '../../../apps/desktop/src/engine/views.ts';
import { type Device, SERVER_URL } from '../device/device.ts';
import type { System } from '../system.ts';
import type { Chance } from '../world/seeded.ts';
import type { Ledger } from './ledger.ts';

const emojis = ['👍', '❤️', '😂', '🎉'];
const words = ['hello', '早上好', 'see you', '**bold** words', 'https://example.org', '好的', 'no'];

/** What somebody at a device does; each uses the client as the app does. */
export class UserActions {
  readonly #system: System;
  readonly #chance: Chance;
  readonly #ledger: Ledger;
  /** Links that were handed around. */
  readonly #links: string[];

  /** `chance`: what is left to chance in one operation. */
  constructor(system: System, chance: Chance, ledger: Ledger, links: string[]) {
    this.#system = system;
    this.#chance = chance;
    this.#ledger = ledger;
    this.#links = links;
  }

  async send(device: Device, client: Client): Promise<void> {
    const conversation = await this.#writable(client);
    if (!conversation) return this.openDirect(device, client);
    const operation = this.#ledger.next(device.index);
    const text = `${this.#chance.pick(words)} #${operation}`;
    const { conversationId } = conversation;
    const mentions = this.#chance.happens(0.15) ? [this.#somebody(device)] : [];
    const key = this.#chance.happens(0.3) ? this.#key() : undefined;
    await client.sendMessage({ conversationId, text, mentions, ...(key !== undefined && { key }) });
    this.#accepted(operation, device, conversationId, 'send');
    // The page asked again: its answer was lost.
    if (key !== undefined && this.#chance.happens(0.3))
      await client.sendMessage({ conversationId, text, mentions, key });
  }

  async reply(device: Device, client: Client): Promise<void> {
    const target = await this.#target(client, () => true);
    if (!target) return;
    const operation = this.#ledger.next(device.index);
    const { conversationId, convSeq } = target;
    await client.sendMessage({ conversationId, text: `re #${operation}`, replyTo: convSeq! });
    this.#accepted(operation, device, conversationId, 'send');
  }

  async edit(device: Device, client: Client): Promise<void> {
    const target = await this.#target(client, ({ mine }) => mine);
    if (!target) return;
    const operation = this.#ledger.next(device.index);
    const { conversationId, convSeq } = target;
    await client.editMessage({ conversationId, convSeq: convSeq!, text: `edited #${operation}` });
  }

  async recall(_device: Device, client: Client): Promise<void> {
    const target = await this.#target(client, ({ mine }) => mine || this.#chance.happens(0.2));
    if (target) await client.recallMessage({ conversationId: target.conversationId, convSeq: target.convSeq! });
  }

  async react(_device: Device, client: Client): Promise<void> {
    const target = await this.#target(client, () => true);
    if (!target) return;
    const { conversationId, convSeq, reactions } = target;
    const mine = reactions.filter((reaction) => reaction.mine);
    const off = mine.length > 0 && this.#chance.happens(0.5);
    const emoji = off ? this.#chance.pick(mine).emoji : this.#chance.pick(emojis);
    await client.react({ conversationId, convSeq: convSeq!, emoji, on: !off });
  }

  async deleteForMe(_device: Device, client: Client): Promise<void> {
    const target = await this.#target(client, () => true);
    if (target) await client.deleteForMe({ conversationId: target.conversationId, convSeqs: [target.convSeq!] });
  }

  async forward(device: Device, client: Client): Promise<void> {
    const target = await this.#target(client, ({ kind, recalled }) => kind === 'text' && recalled === null);
    const to = await this.#writable(client);
    if (!target || !to || device.index < 0) return;
    await client.forwardMessages({
      conversationId: target.conversationId,
      convSeqs: [target.convSeq!],
      to: [to.conversationId],
    });
  }

  async read(_device: Device, client: Client): Promise<void> {
    const conversation = await this.#any(client);
    if (!conversation || conversation.headSeq === 0) return;
    const { conversationId, headSeq, readSeq } = conversation;
    const convSeq = this.#chance.happens(0.7) ? headSeq : this.#chance.between(Math.min(readSeq + 1, headSeq), headSeq);
    await client.markRead({ conversationId, convSeq });
  }

  async look(_device: Device, client: Client): Promise<void> {
    const conversation = await this.#any(client);
    const conversationId = conversation && this.#chance.happens(0.85) ? conversation.conversationId : null;
    await client.setOpenConversation({ conversationId });
    if (conversationId) await client.messagesPage({ conversationId, anchor: { at: 'unread' }, limit: 30 });
  }

  async page(_device: Device, client: Client): Promise<void> {
    const conversation = await this.#any(client);
    if (!conversation) return;
    const { conversationId } = conversation;
    const { messages } = await client.messagesPage({ conversationId, anchor: { at: 'newest' }, limit: 20 });
    const order = messages[0]?.order;
    if (order !== undefined) await client.messagesPage({ conversationId, anchor: { at: 'before', order }, limit: 50 });
  }

  async settings(_device: Device, client: Client): Promise<void> {
    const conversation = await this.#any(client);
    if (!conversation) return;
    const on = this.#chance.happens(0.5);
    const patch = this.#chance.pick([
      { pinned: on },
      { archived: on },
      { markedUnread: on },
      { silentUntilMs: on ? 9_000_000_000_000 : 0 },
    ]);
    await client.setConversationSettings({ conversationId: conversation.conversationId, patch });
  }

  async draft(_device: Device, client: Client): Promise<void> {
    const conversation = await this.#any(client);
    if (!conversation) return;
    const text = this.#chance.happens(0.3) ? '' : `draft ${this.#chance.between(1, 1_000_000)}`;
    await client.setDraft({ conversationId: conversation.conversationId, text });
  }

  async typing(_device: Device, client: Client): Promise<void> {
    const conversation = await this.#writable(client);
    if (conversation) await client.typing({ conversationId: conversation.conversationId });
  }

  async openDirect(device: Device, client: Client): Promise<void> {
    await client.openDirect({ userId: this.#somebody(device) });
  }

  async createGroup(device: Device, client: Client): Promise<void> {
    const others = this.#others(device).filter(() => this.#chance.happens(0.6));
    await client.createGroup({
      name: `group ${this.#chance.between(1, 1_000_000)}`,
      avatarColor: this.#chance.between(0, 11),
      userIds: others,
      ...(this.#chance.happens(0.5) && { key: this.#key() }),
    });
  }

  async changeGroup(device: Device, client: Client): Promise<void> {
    const group = await this.#group(client);
    if (!group) return;
    const { conversationId } = group;
    const somebody = this.#somebody(device);
    const on = this.#chance.happens(0.5);
    const change = this.#chance.weighted<Parameters<Client['changeGroup']>[0]['change']>([
      [{ type: 'invite', userIds: this.#others(device).filter(() => this.#chance.happens(0.6)) }, 6],
      [{ type: 'remove', userIds: [somebody] }, 5],
      [{ type: 'leave' }, 3],
      [{ type: 'role', userId: somebody, role: on ? 'admin' : 'member' }, 3],
      [{ type: 'rename', name: `name ${this.#chance.between(1, 1_000_000)}` }, 2],
      [{ type: 'color', avatarColor: this.#chance.between(0, 11) }, 1],
      [{ type: 'announce', text: on ? `news ${this.#chance.between(1, 1_000_000)}` : '' }, 1],
      [{ type: 'transfer', userId: somebody }, 1],
      [{ type: 'mute', userIds: [somebody], untilMs: on ? 9_000_000_000_000 : 0 }, 1],
      [{ type: 'muteAll', on: this.#chance.happens(0.2) }, 1],
      [{ type: 'approval', on: this.#chance.happens(0.3) }, 1],
    ]);
    if ('userIds' in change && change.userIds.length === 0) return;
    await client.changeGroup({ conversationId, change, ...(this.#chance.happens(0.3) && { key: this.#key() }) });
  }

  async makeLink(_device: Device, client: Client): Promise<void> {
    const group = await this.#group(client);
    if (!group) return;
    const { conversationId } = group;
    const maxUses = this.#chance.pick([0, 0, 2]);
    const { token } = await client.makeGroupLink({ conversationId, expiresMs: 0, maxUses });
    this.#links.push(token);
  }

  async join(_device: Device, client: Client): Promise<void> {
    const link = this.#chance.maybe(this.#links);
    if (link === undefined) return;
    const page = await client.lookAtLink({ link });
    if (!page.member) await client.joinByLink({ token: link });
  }

  async decide(_device: Device, client: Client): Promise<void> {
    const group = await this.#group(client);
    if (!group) return;
    const { conversationId } = group;
    const joins = await client.pendingJoins({ conversationId });
    const userIds = joins.map(({ user }) => user.userId);
    if (userIds.length === 0) return;
    await client.changeGroup({
      conversationId,
      change: { type: 'decide', userIds, approve: this.#chance.happens(0.8) },
    });
  }

  async logOut(device: Device, client: Client): Promise<void> {
    await client.logOut();
    device.loggedIn = false;
    this.#ledger.forget(device.index, (operation) => this.#system.truth.hasEffect(operation));
  }

  async logIn(device: Device, client: Client): Promise<void> {
    const { username, password } = this.#system.personOf(device);
    await client.logIn({ serverUrl: SERVER_URL, username, password });
    device.loggedIn = true;
  }

  /** Logs another device of the same user out. */
  async endDevice(device: Device, client: Client): Promise<void> {
    const devices = await client.devices();
    const other = this.#chance.maybe(devices.filter(({ current }) => !current));
    if (!other || device.index < 0) return;
    await client.endDevice({ sessionId: other.sessionId });
    for (const ended of this.#system.devices) {
      if (ended.name !== other.deviceName) continue;
      this.#ledger.forget(ended.index, (operation) => this.#system.truth.hasEffect(operation));
    }
  }

  #accepted(operation: number, device: Device, conversationId: string, what: 'send' | 'edit'): void {
    const head = this.#system.truth.conversations.get(conversationId)?.head ?? 0;
    this.#ledger.accept({ operation, device: device.index, conversationId, head, what });
  }

  async #any(client: Client): Promise<ConversationView | undefined> {
    return this.#chance.maybe(await client.listConversations());
  }

  async #writable(client: Client): Promise<ConversationView | undefined> {
    const all = await client.listConversations();
    // Also where it is not allowed, now and then: the server says no.
    const open = all.filter(({ group }) => group === null || !group.left || this.#chance.happens(0.1));
    return this.#chance.maybe(open);
  }

  async #group(client: Client): Promise<ConversationView | undefined> {
    const all = await client.listConversations();
    return this.#chance.maybe(all.filter(({ kind }) => kind === 'group'));
  }

  /** A message on the screen that something can be done to. */
  async #target(client: Client, fits: (message: MessageView) => boolean): Promise<MessageView | undefined> {
    const conversation = await this.#writable(client);
    if (!conversation) return undefined;
    const { messages } = await client.messagesPage({
      conversationId: conversation.conversationId,
      anchor: { at: 'newest' },
      limit: 20,
    });
    const shown = messages.filter(({ convSeq, kind, recalled }) => convSeq !== null && kind === 'text' && !recalled);
    return this.#chance.maybe(shown.filter(fits));
  }

  #others(device: Device): string[] {
    const me = this.#system.personOf(device);
    return this.#system.people.filter((person) => person !== me && person.userId).map(({ userId }) => userId!);
  }

  #somebody(device: Device): string {
    return this.#chance.pick(this.#others(device));
  }

  #key(): string {
    return Array.from({ length: 32 }, () => this.#chance.between(0, 15).toString(16)).join('');
  }
}
