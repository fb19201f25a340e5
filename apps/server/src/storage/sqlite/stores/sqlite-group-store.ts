import { CLIENT_MSG_ID_LENGTH, type ErrorName } from '@fastim/protocol';
import type { GroupChangeRequest, GroupOutcome, GroupStore, JoinByLink, NewGroup } from '../../group-store.ts';
import { StorageError } from '../../storage.ts';
import type { ReaderOperations, WriterOperations } from '../worker/operations.ts';
import type { WorkerClient } from '../worker/worker-client.ts';
import { ownBytes, storedId } from './stored-id.ts';

export class SqliteGroupStore implements GroupStore {
  readonly #writer: WorkerClient<WriterOperations>;
  readonly #reader: WorkerClient<ReaderOperations>;

  constructor(writer: WorkerClient<WriterOperations>, reader: WorkerClient<ReaderOperations>) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async create(group: NewGroup): Promise<GroupOutcome> {
    return this.#writer.call('createGroup', {
      ...group,
      creatorId: storedId(group.creatorId),
      clientMsgId: clientId(group.clientMsgId),
      conversationId: storedId(group.conversationId),
      msgId: storedId(group.msgId),
      memberIds: group.memberIds.map(storedId),
    });
  }

  async change(request: GroupChangeRequest): Promise<GroupOutcome> {
    return this.#writer.call('changeGroup', {
      ...request,
      conversationId: storedId(request.conversationId),
      actorId: storedId(request.actorId),
      clientMsgId: clientId(request.clientMsgId),
      msgId: storedId(request.msgId),
      userIds: request.userIds.map(storedId),
    });
  }

  async joinByLink(request: JoinByLink): Promise<GroupOutcome> {
    return this.#writer.call('joinByLink', {
      ...request,
      userId: storedId(request.userId),
      clientMsgId: clientId(request.clientMsgId),
      msgId: storedId(request.msgId),
    });
  }

  members(query: Parameters<GroupStore['members']>[0]): ReturnType<GroupStore['members']> {
    return this.#reader.call('members', { ...query, conversationId: storedId(query.conversationId) });
  }

  readCounts(conversationId: bigint, convSeqs: readonly number[]): ReturnType<GroupStore['readCounts']> {
    return this.#reader.call('readCounts', { conversationId: storedId(conversationId), convSeqs });
  }

  readers(query: Parameters<GroupStore['readers']>[0]): ReturnType<GroupStore['readers']> {
    return this.#reader.call('readers', { ...query, conversationId: storedId(query.conversationId) });
  }

  async makeLink(link: Parameters<GroupStore['makeLink']>[0]): ReturnType<GroupStore['makeLink']> {
    return this.#writer.call('makeLink', {
      ...link,
      conversationId: storedId(link.conversationId),
      creatorId: storedId(link.creatorId),
      clientMsgId: clientId(link.clientMsgId),
    });
  }

  links(conversationId: bigint, userId: bigint, nowMs: number): ReturnType<GroupStore['links']> {
    return this.#reader.call('links', { conversationId: storedId(conversationId), userId: storedId(userId), nowMs });
  }

  revokeLink(conversationId: bigint, userId: bigint, token: string): Promise<ErrorName | undefined> {
    return this.#writer.call('revokeLink', {
      conversationId: storedId(conversationId),
      userId: storedId(userId),
      token,
    });
  }

  lookAtLink(token: string, userId: bigint, nowMs: number): ReturnType<GroupStore['lookAtLink']> {
    return this.#reader.call('lookAtLink', { token, userId: storedId(userId), nowMs });
  }

  pendingJoins(conversationId: bigint, userId: bigint): ReturnType<GroupStore['pendingJoins']> {
    return this.#reader.call('pendingJoins', { conversationId: storedId(conversationId), userId: storedId(userId) });
  }
}

function clientId(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CLIENT_MSG_ID_LENGTH) return ownBytes(bytes);
  throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes, not ${bytes.length}`);
}
