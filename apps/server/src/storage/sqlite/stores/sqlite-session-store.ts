import type { NewSession, Rotation, RotationOutcome, SessionRecord, SessionStore } from '../../session-store.ts';
import type { ReaderOperations, WriterOperations } from '../worker/operations.ts';
import type { WorkerClient } from '../worker/worker-client.ts';
import { LOWEST_ID, ownBytes, storedId } from './stored-id.ts';

export class SqliteSessionStore implements SessionStore {
  readonly #writer: WorkerClient<WriterOperations>;
  readonly #reader: WorkerClient<ReaderOperations>;

  constructor(writer: WorkerClient<WriterOperations>, reader: WorkerClient<ReaderOperations>) {
    this.#writer = writer;
    this.#reader = reader;
  }

  create(session: NewSession): Promise<SessionRecord> {
    return this.#writer.call('createSession', {
      ...session,
      sessionId: storedId(session.sessionId),
      userId: storedId(session.userId),
      accessHash: ownBytes(session.accessHash),
      refreshHash: ownBytes(session.refreshHash),
    });
  }

  byAccessHash(accessHash: Uint8Array): Promise<SessionRecord | undefined> {
    return this.#reader.call('sessionByAccessHash', ownBytes(accessHash));
  }

  byId(sessionId: bigint): Promise<SessionRecord | undefined> {
    return this.#reader.call('sessionById', storedId(sessionId));
  }

  rotate(rotation: Rotation): Promise<RotationOutcome> {
    return this.#writer.call('rotateSession', {
      ...rotation,
      oldRefreshHash: ownBytes(rotation.oldRefreshHash),
      accessHash: ownBytes(rotation.accessHash),
      refreshHash: ownBytes(rotation.refreshHash),
    });
  }

  end(sessionId: bigint, nowMs: number): Promise<SessionRecord | undefined> {
    return this.#writer.call('endSession', { sessionId: storedId(sessionId), nowMs });
  }

  ofUser(userId: bigint): Promise<SessionRecord[]> {
    return this.#reader.call('sessionsOfUser', storedId(userId));
  }

  endedSince(sinceMs: number, limit: number, afterId = LOWEST_ID): Promise<SessionRecord[]> {
    return this.#reader.call('sessionsEndedSince', { sinceMs, limit, afterId: storedId(afterId) });
  }

  touch(sessionId: bigint, nowMs: number): Promise<void> {
    return this.#writer.call('touchSession', { sessionId: storedId(sessionId), nowMs });
  }
}
