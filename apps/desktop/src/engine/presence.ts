import type { Clock } from '@fastim/core';
import { Command, type Presence as Entry, presenceRequest, presenceResponse } from '@fastim/protocol';
import { asFastimError, describe } from './errors.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Logger } from './ports.ts';
import type { PresenceView } from './views.ts';
import { wireId } from './wire-values.ts';

/** Pushes may be lost: what is watched is asked for again this often. */
const ASK_MS = 60_000;

/** Who of the people on the screen is online. Asked for again after a reconnect; offline nothing is known. */
export class Presence {
  readonly #holder: LinkHolder;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #emit: (views: PresenceView[]) => void;
  #watched: readonly string[] = [];
  readonly #known = new Map<string, PresenceView>();
  #cancelTimer: (() => void) | undefined;

  constructor(parts: { holder: LinkHolder; clock: Clock; logger: Logger; emit: (views: PresenceView[]) => void }) {
    this.#holder = parts.holder;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#emit = parts.emit;
  }

  connected(): void {
    if (this.#watched.length > 0) this.#askAgain();
  }

  disconnected(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Replaces those that are watched; what is known of them comes back, and what becomes known later as events. */
  async watch(userIds: readonly string[]): Promise<PresenceView[]> {
    for (const userId of userIds) wireId(userId);
    this.#watched = [...new Set(userIds)];
    for (const userId of [...this.#known.keys()]) if (!this.#watched.includes(userId)) this.#known.delete(userId);
    if (this.#holder.link) {
      await this.#ask().catch((error: unknown) => {
        // Not worth an error to whoever shows a dot; a refusal of the request itself is.
        if (asFastimError(error).reason === 'TOO_MANY') throw error;
        this.#logger.debug(describe(error), 'presence was not told');
      });
    }
    return this.#watched.flatMap((userId) => this.#known.get(userId) ?? []);
  }

  pushed(entries: readonly Entry[]): void {
    const changed = entries.map(presenceView).filter((view) => this.#note(view));
    if (changed.length > 0) this.#emit(changed);
  }

  async #ask(): Promise<PresenceView[]> {
    this.#schedule();
    const userIds = this.#watched.map(BigInt);
    const answer = await this.#holder.request(Command.presence, presenceRequest, { userIds }, presenceResponse);
    return answer.presences.map(presenceView).filter((view) => this.#note(view));
  }

  #askAgain(): void {
    this.#ask().then(
      (changed) => {
        if (changed.length > 0) this.#emit(changed);
      },
      (error: unknown) => this.#logger.debug(describe(error), 'presence was not told'),
    );
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#watched.length === 0) return;
    this.#cancelTimer = this.#clock.setTimer(ASK_MS, () => {
      this.#cancelTimer = undefined;
      if (this.#holder.link) this.#askAgain();
    });
  }

  /** Whether it is watched and news. */
  #note(view: PresenceView): boolean {
    const before = this.#known.get(view.userId);
    if (!this.#watched.includes(view.userId)) return false;
    this.#known.set(view.userId, view);
    return before?.state !== view.state || before.lastSeenMs !== view.lastSeenMs;
  }
}

function presenceView({ userId, online, hidden, lastSeenMs }: Entry): PresenceView {
  return { userId: userId.toString(), state: hidden ? 'hidden' : online ? 'online' : 'offline', lastSeenMs };
}
