import type { AccountState } from './account-state.ts';
import { asFastimError } from './errors.ts';
import type { History } from './history.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';

/** Pulls the last pages of conversations that are behind, a few at a time, in the order given. */
export class TailPuller {
  readonly #state: AccountState;
  readonly #history: History;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #behind: (conversationId: string) => void;
  readonly #ask: (conversationIds: readonly string[]) => void;

  constructor(parts: {
    state: AccountState;
    history: History;
    logger: Logger;
    limits: EngineLimits;
    /** Still behind: try again later. */
    behind: (conversationId: string) => void;
    /** The server says that I am not in there (any more). */
    ask: (conversationIds: readonly string[]) => void;
  }) {
    this.#state = parts.state;
    this.#history = parts.history;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#behind = parts.behind;
    this.#ask = parts.ask;
  }

  /** Resolves when all were tried. What failed is tried again by itself. */
  async pull(conversationIds: readonly string[]): Promise<void> {
    const queue = [...conversationIds];
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined && this.#history.online; id = queue.shift())
        await this.#pullOne(id);
    };
    await Promise.all(Array.from({ length: this.#limits.concurrentPulls }, worker));
  }

  async #pullOne(conversationId: string): Promise<void> {
    const row = this.#state.conversation(conversationId);
    if (!row || row.tailSeq >= row.headSeq) return;
    try {
      await this.#history.pullTail(conversationId);
    } catch (error) {
      const { reason } = asFastimError(error);
      this.#logger.debug({ conversationId, reason }, 'a conversation was not pulled');
      if (reason === 'NOT_A_MEMBER' && row.leaveSeq === 0) this.#ask([conversationId]);
    }
    this.#behind(conversationId);
  }
}
