import type { Database, Statement } from 'better-sqlite3';

/** 8 MiB of log: then its pages are copied into the database. */
export const LONG_LOG_FRAMES = 2_000;

/**
 * Keeps the write-ahead log short without making commits wait for it. Past LONG_LOG_FRAMES it asks for a checkpoint by
 * another connection, on another thread, which does not hold up the writer; when that has done the bulk, the writer
 * does the few frames that came meanwhile, so that the log is done as a whole and starts again from its beginning.
 *
 * Nobody's correctness depends on it: a log that nobody shortens is cut by SQLite's own wal_autocheckpoint, later.
 */
export class LogKeeper {
  readonly #requestCheckpoint: () => void;
  readonly #longFrames: number;
  readonly #state: Statement;
  readonly #finish: Statement;
  /** Frames that were done when the checkpoint was asked for; undefined: not asked. */
  #doneAtRequest: number | undefined;

  constructor(database: Database, requestCheckpoint: () => void, longFrames = LONG_LOG_FRAMES) {
    this.#requestCheckpoint = requestCheckpoint;
    this.#longFrames = longFrames;
    this.#state = database.prepare('PRAGMA wal_checkpoint(NOOP)').raw();
    this.#finish = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw();
  }

  /** Never throws: the commit before it stands. */
  afterCommit(): void {
    try {
      const [, frames, done] = this.#state.get() as [number, number, number];
      if (frames < this.#longFrames) {
        this.#doneAtRequest = undefined;
      } else if (this.#doneAtRequest === undefined) {
        this.#doneAtRequest = done;
        this.#requestCheckpoint();
      } else if (done > this.#doneAtRequest) {
        this.#finish.get();
      }
    } catch {
      // A checkpoint that fails leaves the log as it is; if the disk is at fault, the next commit says so.
    }
  }
}
