import type { CursorMove } from '@fastim/protocol';
import type { Route } from '../routing/route-table.ts';
import type { RequestHeader } from '../routing/send-to-gate.ts';
import type { CursorRaise } from '../storage/conversation-store.ts';

/** A CURSOR that waits for its answer. */
export interface CursorAsked {
  readonly request: RequestHeader;
  readonly route: Route;
  readonly conversationIds: readonly bigint[];
}

/** What is written in one go, and who waits for it. */
export interface CursorBatch {
  /** A connection is one device of one user; per conversation one merged move. */
  readonly moves: Map<Route, Map<bigint, CursorRaise>>;
  /** Merged moves in it. */
  size: number;
  readonly requests: CursorAsked[];
}

/**
 * The filling half of the double buffer (DESIGN 6, seed 8.2): moves of one device in one conversation are merged by
 * max(), so however often a device moves, it costs one row per flush.
 */
export class CursorBuffer {
  #filling: CursorBatch = emptyBatch();

  get size(): number {
    return this.#filling.size;
  }

  get empty(): boolean {
    return this.#filling.requests.length === 0;
  }

  add(request: RequestHeader, route: Route, moves: readonly CursorMove[], nowMs: number): void {
    const batch = this.#filling;
    const conversationIds = [...new Set(moves.map((move) => move.conversationId))];
    batch.requests.push({ request, route, conversationIds });
    let own = batch.moves.get(route);
    if (!own) {
      own = new Map();
      batch.moves.set(route, own);
    }
    for (const move of moves) {
      if (move.deliveredSeq === 0 && move.readSeq === 0) continue;
      const merged = own.get(move.conversationId);
      if (merged) {
        if (move.deliveredSeq > merged.deliveredSeq) merged.deliveredSeq = move.deliveredSeq;
        if (move.readSeq > merged.readSeq) merged.readSeq = move.readSeq;
      } else {
        own.set(move.conversationId, {
          conversationId: move.conversationId,
          userId: route.identity.userId,
          deviceId: route.identity.deviceId,
          deliveredSeq: move.deliveredSeq,
          readSeq: move.readSeq,
          nowMs,
        });
        batch.size += 1;
      }
    }
  }

  /** Swaps the halves: what was filled so far, and from now on an empty one is filled. */
  take(): CursorBatch {
    const batch = this.#filling;
    this.#filling = emptyBatch();
    return batch;
  }
}

export function raisesOf(batch: CursorBatch): CursorRaise[] {
  const raises: CursorRaise[] = [];
  for (const own of batch.moves.values()) for (const raise of own.values()) raises.push(raise);
  return raises;
}

function emptyBatch(): CursorBatch {
  return { moves: new Map(), size: 0, requests: [] };
}
