import { CLIENT_MESSAGE_ID_RANDOM_BYTES, type Clock, fromHex, makeClientMessageId, type Random } from '@fastim/core';
import {
  Command,
  type ConversationState,
  changeGroupRequest,
  changeGroupResponse,
  createGroupRequest,
  createGroupResponse,
  FastimError,
  joinRequest,
  joinResponse,
  joinsRequest,
  joinsResponse,
  membersRequest,
  membersResponse,
  type UserProfile,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { GroupChangeParams } from './client-api.ts';
import { describe } from './errors.ts';
import { wireChange } from './group-changes.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Names } from './names.ts';
import type { Logger } from './ports.ts';
import { roleView } from './rights.ts';
import type { Viewer } from './viewer.ts';
import type { ConversationView, MemberPageView, PendingJoinView, UserView } from './views.ts';
import { userView, wireId, wireKey } from './wire-values.ts';

/**
 * Making groups and changing them. Each is one request that resolves when the server has stored it. A request carries a
 * client_msg_id that stays the same over reconnects, and over tries by the user when the first answer was lost: so it has
 * one effect.
 */
export class Groups {
  readonly #state: AccountState;
  readonly #holder: LinkHolder;
  readonly #viewer: Viewer;
  readonly #names: Names;
  readonly #logger: Logger;
  readonly #merge: (states: readonly ConversationState[]) => Promise<void>;
  readonly #fetch: (conversationIds: readonly string[]) => Promise<void>;
  readonly #keys: IdempotencyKeys;

  constructor(parts: {
    state: AccountState;
    holder: LinkHolder;
    viewer: Viewer;
    names: Names;
    clock: Clock;
    random: Random;
    logger: Logger;
    merge: (states: readonly ConversationState[]) => Promise<void>;
    /** What the server has of these conversations now, with their newest messages. */
    fetch: (conversationIds: readonly string[]) => Promise<void>;
  }) {
    this.#state = parts.state;
    this.#holder = parts.holder;
    this.#viewer = parts.viewer;
    this.#names = parts.names;
    this.#logger = parts.logger;
    this.#merge = parts.merge;
    this.#fetch = parts.fetch;
    const { clock, random } = parts;
    this.#keys = new IdempotencyKeys(() =>
      makeClientMessageId(clock.now(), random.bytes(CLIENT_MESSAGE_ID_RANDOM_BYTES)),
    );
  }

  create(params: { name: string; avatarColor: number; userIds: string[]; key?: string }): Promise<ConversationView> {
    const { name, avatarColor, key } = params;
    const userIds = [...new Set(params.userIds)].map(wireId);
    return this.once(['create', name, avatarColor, params.userIds], key, async (clientMsgId) => {
      const request = { clientMsgId, name: name.toWellFormed(), avatarColor, userIds };
      const answer = await this.#holder.requestAgain(
        Command.createGroup,
        createGroupRequest,
        request,
        createGroupResponse,
      );
      return this.#entered(answer.conversation);
    });
  }

  change(params: { conversationId: string; change: GroupChangeParams; key?: string }): Promise<{ userIds: string[] }> {
    const { conversationId, change, key } = params;
    const id = wireId(conversationId);
    const wire = wireChange(change);
    return this.once(['change', conversationId, change], key, async (clientMsgId) => {
      const request = { clientMsgId, conversationId: id, ...wire };
      const answer = await this.#holder.requestAgain(
        Command.changeGroup,
        changeGroupRequest,
        request,
        changeGroupResponse,
      );
      await this.#fetch([conversationId]).catch((error: unknown) =>
        this.#logger.debug(describe(error), 'the group as it is now comes later'),
      );
      return { userIds: answer.userIds.map(String) };
    });
  }

  /** null: the request waits for an admin. */
  join(params: { token: string; key?: string }): Promise<ConversationView | null> {
    const { token, key } = params;
    return this.once(['join', token], key, async (clientMsgId) => {
      const answer = await this.#holder.requestAgain(Command.join, joinRequest, { clientMsgId, token }, joinResponse);
      return answer.conversation ? this.#entered(answer.conversation) : null;
    });
  }

  async members(params: {
    conversationId: string;
    query: string;
    after: string | null;
    limit: number;
  }): Promise<MemberPageView> {
    const { query, after, limit } = params;
    const request = { conversationId: wireId(params.conversationId), query, after: after ?? '', limit };
    const answer = await this.#holder.request(Command.members, membersRequest, request, membersResponse);
    await this.noteUsers(answer.members.map(({ profile }) => profile));
    return {
      members: answer.members.map(({ profile, role, mutedUntilMs, joinedMs }) => ({
        user: userView(profile),
        role: roleView(role),
        mutedUntilMs,
        joinedMs,
      })),
      next: answer.next === '' ? null : answer.next,
    };
  }

  async pendingJoins(conversationId: string): Promise<PendingJoinView[]> {
    const request = { conversationId: wireId(conversationId) };
    const answer = await this.#holder.request(Command.joins, joinsRequest, request, joinsResponse);
    await this.noteUsers(answer.joins.map(({ profile }) => profile));
    return answer.joins.map(({ profile, requestedMs }) => ({ user: userView(profile), requestedMs }));
  }

  /** Runs a request under the given client_msg_id, or under the one that the same words had before. */
  once<T>(
    words: readonly unknown[],
    key: string | undefined,
    request: (clientMsgId: Uint8Array) => Promise<T>,
  ): Promise<T> {
    if (key !== undefined) return request(wireKey(key));
    return this.#keys.run(words, (made) => request(fromHex(made)));
  }

  /** Names that came with an answer. */
  async noteUsers(profiles: readonly UserProfile[]): Promise<UserView[]> {
    const users = profiles.map(userView);
    if (users.length === 0) return users;
    await this.#state.change((edit) => {
      for (const user of users) edit.putUser(user);
    });
    this.#names.told(users.map(({ userId }) => userId));
    return users;
  }

  async #entered(state: ConversationState | undefined): Promise<ConversationView> {
    if (!state) throw new FastimError('INTERNAL', 'the answer names no conversation');
    await this.#merge([state]);
    const row = this.#state.conversation(state.conversationId.toString());
    if (!row) throw new FastimError('INTERNAL', 'the conversation was not stored');
    return this.#viewer.conversation(row);
  }
}
