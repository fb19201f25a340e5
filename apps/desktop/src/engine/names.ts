import type { Clock } from '@fastim/core';
import { Command, profilesRequest, profilesResponse } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { describe } from './errors.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Logger } from './ports.ts';
import { userView } from './wire-values.ts';

/** Names asked for in one request. */
const BATCH = 100;
/** Those that are missed in this time travel together. */
const GATHER_MS = 50;
/** A name that is shown is asked for again after so long. */
const STALE_MS = 3_600_000;

/**
 * Who is who. Names are kept in the store; one that is shown and not known, or was last heard of long ago, is asked for
 * in the background, together with others. What comes back is announced as a change of the account's data.
 */
export class Names {
  readonly #state: AccountState;
  readonly #holder: LinkHolder;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When each was last told or asked for. */
  readonly #heard = new Map<string, number>();
  readonly #wanted = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #asking = false;

  constructor(parts: { state: AccountState; holder: LinkHolder; clock: Clock; logger: Logger }) {
    this.#state = parts.state;
    this.#holder = parts.holder;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** Empty while it is not known. */
  nameOf(userId: string): string {
    const user = this.#state.user(userId) ?? (userId === this.#state.userId ? this.#state.account.user : undefined);
    if (userId !== this.#state.userId) this.#want(userId);
    return user ? user.displayName || user.username : '';
  }

  /** The server told these names just now, in some other answer. */
  told(userIds: readonly string[]): void {
    const now = this.#clock.now();
    for (const userId of userIds) this.#heard.set(userId, now);
  }

  connected(): void {
    this.#schedule();
  }

  disconnected(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #want(userId: string): void {
    const heard = this.#heard.get(userId);
    const age = heard === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - heard;
    // A clock that was set back does not make a name fresh for ever.
    if (age >= 0 && age < STALE_MS) return;
    if (!/^[1-9][0-9]{0,19}$/.test(userId)) return;
    this.#wanted.add(userId);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#asking || this.#cancelTimer || this.#wanted.size === 0 || !this.#holder.link) return;
    this.#cancelTimer = this.#clock.setTimer(GATHER_MS, () => {
      this.#cancelTimer = undefined;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    const userIds = [...this.#wanted].slice(0, BATCH);
    this.#asking = true;
    // Marked before the answer, so that one that the server does not know is not asked for again at once.
    this.told(userIds);
    for (const userId of userIds) this.#wanted.delete(userId);
    try {
      const request = { userIds: userIds.map(BigInt) };
      const answer = await this.#holder.request(Command.profiles, profilesRequest, request, profilesResponse);
      await this.#state.change((edit) => {
        for (const profile of answer.profiles) edit.putUser(userView(profile));
      });
    } catch (error) {
      for (const userId of userIds) {
        this.#heard.delete(userId);
        this.#wanted.add(userId);
      }
      this.#logger.debug(describe(error), 'names were not told');
    } finally {
      this.#asking = false;
    }
    this.#scheduleLater();
  }

  #scheduleLater(): void {
    if (!this.#holder.link || this.#wanted.size === 0) return;
    this.#cancelTimer ??= this.#clock.setTimer(1_000, () => {
      this.#cancelTimer = undefined;
      this.#schedule();
    });
  }
}
