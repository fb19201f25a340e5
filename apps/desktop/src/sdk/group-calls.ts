import type { ClientApi, GroupChangeParams } from '../engine/client-api.ts';
import { allPages, pageSize } from './pages.ts';
import type { Conversation, GroupLink, LinkPage, Member, PendingJoin } from './sdk-types.ts';

/**
 * Groups. Each call is one change, stored by the server with a notice that every member sees; it resolves when it is
 * stored, and rejects with a `FastimError` when it was refused (`NOT_ALLOWED`, `NOT_A_MEMBER`, `GROUP_FULL` …).
 */
export class GroupCalls {
  readonly #client: ClientApi;

  /** @internal */
  constructor(client: ClientApi) {
    this.#client = client;
  }

  /** Makes a group with these users and me as its owner. */
  create(group: { name: string; userIds?: readonly string[]; avatarColor?: number }): Promise<Conversation> {
    const { name, userIds = [], avatarColor = 0 } = group;
    return this.#client.createGroup({ name, userIds: [...userIds], avatarColor });
  }

  /** Owner and admins. */
  async rename(conversationId: string, name: string): Promise<void> {
    await this.#change(conversationId, { type: 'rename', name });
  }

  /** Owner and admins. `avatarColor`: 0 to 11. */
  async setColor(conversationId: string, avatarColor: number): Promise<void> {
    await this.#change(conversationId, { type: 'color', avatarColor });
  }

  /** Owner and admins. An empty text takes the announcement down. */
  async announce(conversationId: string, text: string): Promise<void> {
    await this.#change(conversationId, { type: 'announce', text });
  }

  /** Every member; with join approval owner and admins only. Returns those who were not members before. */
  invite(conversationId: string, userIds: readonly string[]): Promise<string[]> {
    return this.#change(conversationId, { type: 'invite', userIds: [...userIds] });
  }

  /** Owner and admins, members of a lower role than their own. Returns those who were removed. */
  remove(conversationId: string, userIds: readonly string[]): Promise<string[]> {
    return this.#change(conversationId, { type: 'remove', userIds: [...userIds] });
  }

  /** The owner gives the group to another first (`OWNER_CANNOT_LEAVE`), unless nobody else is in it. */
  async leave(conversationId: string): Promise<void> {
    await this.#change(conversationId, { type: 'leave' });
  }

  /** Owner only. */
  async setRole(conversationId: string, userId: string, role: 'member' | 'admin'): Promise<void> {
    await this.#change(conversationId, { type: 'role', userId, role });
  }

  /** Owner only: makes another member the owner. */
  async transfer(conversationId: string, userId: string): Promise<void> {
    await this.#change(conversationId, { type: 'transfer', userId });
  }

  /** Owner and admins: these members may not write before `until`; `null`: they may again. */
  mute(conversationId: string, userIds: readonly string[], until: Date | null): Promise<string[]> {
    const untilMs = until === null ? 0 : until.getTime();
    return this.#change(conversationId, { type: 'mute', userIds: [...userIds], untilMs });
  }

  /** Owner and admins: only they may write while it is on. */
  async muteAll(conversationId: string, on: boolean): Promise<void> {
    await this.#change(conversationId, { type: 'muteAll', on });
  }

  /** Owner and admins: whether they decide about everybody who wants to join. */
  async setJoinApproval(conversationId: string, on: boolean): Promise<void> {
    await this.#change(conversationId, { type: 'approval', on });
  }

  /** Requests that wait for owner and admins. */
  pendingJoins(conversationId: string): Promise<PendingJoin[]> {
    return this.#client.pendingJoins({ conversationId });
  }

  /** Owner and admins: lets them in, or not. Returns those whose request was decided by this. */
  decide(conversationId: string, userIds: readonly string[], approve: boolean): Promise<string[]> {
    return this.#change(conversationId, { type: 'decide', userIds: [...userIds], approve });
  }

  /** Pages of members, owner and admins first; `query` looks in their names, on the server. */
  members(
    conversationId: string,
    options: { query?: string; pageSize?: number } = {},
  ): AsyncGenerator<Member[], void, undefined> {
    const limit = pageSize(options.pageSize);
    return allPages<Member, string>(async (after) => {
      const page = await this.#client.groupMembers({ conversationId, query: options.query ?? '', after, limit });
      return { rows: page.members, next: page.next };
    });
  }

  /** Invite links that work. */
  links(conversationId: string): Promise<GroupLink[]> {
    return this.#client.groupLinks({ conversationId });
  }

  /** A new invite link; its `url` is what to hand on. */
  makeLink(conversationId: string, limits: { expires?: Date; maxUses?: number } = {}): Promise<GroupLink> {
    const { expires, maxUses = 0 } = limits;
    return this.#client.makeGroupLink({ conversationId, expiresMs: expires?.getTime() ?? 0, maxUses });
  }

  /** Ends a link. */
  async revokeLink(conversationId: string, token: string): Promise<void> {
    await this.#client.revokeGroupLink({ conversationId, token });
  }

  /** What is behind a link (the whole URL, or its token), before one joins. */
  lookAtLink(link: string): Promise<LinkPage> {
    return this.#client.lookAtLink({ link });
  }

  /** Joins by a link; `null`: the request waits for an admin. */
  async join(link: string): Promise<Conversation | null> {
    const { token } = await this.#client.lookAtLink({ link });
    return this.#client.joinByLink({ token });
  }

  async #change(conversationId: string, change: GroupChangeParams): Promise<string[]> {
    return (await this.#client.changeGroup({ conversationId, change })).userIds;
  }
}
