import { CLIENT_MSG_ID_LENGTH, type ErrorName, type ReadCount } from '@fastim/protocol';
import type {
  GroupChangeRequest,
  GroupOutcome,
  GroupStore,
  JoinByLink,
  MemberPageQuery,
  NewGroup,
  ReaderPageQuery,
} from '../../group-store.ts';
import { StorageError } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import type { Queries } from '../connection/queries.ts';
import { isStorable, storedId } from '../connection/stored-values.ts';
import { type Fence, REQUIRE_FENCE } from '../fence.ts';
import { changeGroup, createGroup } from './change-group.ts';
import { joinByLink, makeLink, revokeLink } from './group-links.ts';
import { ReadGroups } from './read-groups.ts';
import { lookAtLink, readLinks } from './read-links.ts';

export class PostgresGroupStore implements GroupStore {
  readonly #database: Database;
  readonly #reads: ReadGroups;
  readonly #fence: Fence | undefined;

  /** `fence`: not given by processes that make no ids of messages. */
  constructor(database: Database, fence?: Fence) {
    this.#database = database;
    this.#fence = fence;
    this.#reads = new ReadGroups(database);
  }

  async create(group: NewGroup): Promise<GroupOutcome> {
    const request: NewGroup = {
      ...group,
      creatorId: storedId(group.creatorId),
      clientMsgId: clientId(group.clientMsgId),
      conversationId: storedId(group.conversationId),
      msgId: storedId(group.msgId),
      memberIds: group.memberIds.map(storedId),
    };
    return await this.#withNotice((queries) => createGroup(queries, request));
  }

  async change(change: GroupChangeRequest): Promise<GroupOutcome> {
    const request: GroupChangeRequest = {
      ...change,
      conversationId: storedId(change.conversationId),
      actorId: storedId(change.actorId),
      clientMsgId: clientId(change.clientMsgId),
      msgId: storedId(change.msgId),
      userIds: change.userIds.map(storedId),
    };
    return await this.#withNotice((queries) => changeGroup(queries, request));
  }

  async joinByLink(join: JoinByLink): Promise<GroupOutcome> {
    if (!isStorable(join.token)) return { outcome: 'refused', reason: 'LINK_INVALID' };
    const request: JoinByLink = {
      ...join,
      userId: storedId(join.userId),
      clientMsgId: clientId(join.clientMsgId),
      msgId: storedId(join.msgId),
    };
    return await this.#withNotice((queries) => joinByLink(queries, request));
  }

  members(query: MemberPageQuery): ReturnType<GroupStore['members']> {
    return this.#reads.members(query);
  }

  readCounts(conversationId: bigint, convSeqs: readonly number[]): Promise<ReadCount[]> {
    return this.#reads.readCounts(conversationId, convSeqs);
  }

  readers(query: ReaderPageQuery): ReturnType<GroupStore['readers']> {
    return this.#reads.readers(query);
  }

  async makeLink(link: Parameters<GroupStore['makeLink']>[0]): ReturnType<GroupStore['makeLink']> {
    const request = {
      ...link,
      conversationId: storedId(link.conversationId),
      creatorId: storedId(link.creatorId),
      clientMsgId: clientId(link.clientMsgId),
    };
    return await this.#database.transaction((queries) => makeLink(queries, request));
  }

  links(conversationId: bigint, userId: bigint, nowMs: number): ReturnType<GroupStore['links']> {
    return readLinks(this.#database, storedId(conversationId), storedId(userId), nowMs);
  }

  async revokeLink(conversationId: bigint, userId: bigint, token: string): Promise<ErrorName | undefined> {
    const storable = isStorable(token) ? token : '';
    return await this.#database.transaction((queries) =>
      revokeLink(queries, storedId(conversationId), storedId(userId), storable),
    );
  }

  async lookAtLink(token: string, userId: bigint, nowMs: number): ReturnType<GroupStore['lookAtLink']> {
    return isStorable(token) ? await lookAtLink(this.#database, token, storedId(userId), nowMs) : undefined;
  }

  pendingJoins(conversationId: bigint, userId: bigint): ReturnType<GroupStore['pendingJoins']> {
    return this.#reads.pendingJoins(storedId(conversationId), storedId(userId));
  }

  /**
   * A transaction that stores a message: as for every message, the node number under which its id was made has to be this
   * process's when it commits. Its lock is the first that is taken; what follows does not wait for the answer.
   */
  async #withNotice(work: (queries: Queries) => Promise<GroupOutcome>): Promise<GroupOutcome> {
    const own = this.#fence?.current();
    if (!this.#fence) return await this.#database.transaction(work);
    if (!own) throw new StorageError('fenced', 'this process holds no node number');
    try {
      return await this.#database.transaction(async (queries) => {
        const [, outcome] = await Promise.all([queries.run(REQUIRE_FENCE, [[own.number], [own.fence]]), work(queries)]);
        return outcome;
      });
    } catch (error) {
      if (error instanceof StorageError && error.kind === 'fenced') this.#fence.refused(own.fence);
      throw error;
    }
  }
}

function clientId(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CLIENT_MSG_ID_LENGTH) return bytes;
  throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes, not ${bytes.length}`);
}
