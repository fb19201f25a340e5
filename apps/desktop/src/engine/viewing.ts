import { Command, statusResponse, viewingRequest } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { describe } from './errors.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Logger } from './ports.ts';

/** Tells the server which group is on the screen, so that its messages come with their bodies. */
export class Viewing {
  readonly #state: AccountState;
  readonly #holder: LinkHolder;
  readonly #logger: Logger;
  #told: { link: ConnectionLink; conversationId: string | null } | undefined;

  constructor(parts: { state: AccountState; holder: LinkHolder; logger: Logger }) {
    this.#state = parts.state;
    this.#holder = parts.holder;
    this.#logger = parts.logger;
  }

  /** After a login, and when another conversation is opened. */
  tell(): void {
    const { link } = this.#holder;
    if (!link) return;
    const open = this.#state.account.openConversationId;
    const row = open === null ? undefined : this.#state.conversation(open);
    const conversationId = row?.kind === 'group' && row.leaveSeq === 0 ? row.conversationId : null;
    const told = this.#told?.link === link ? this.#told.conversationId : null;
    if (told === conversationId) return;
    this.#told = { link, conversationId };
    this.#holder
      .request(Command.viewing, viewingRequest, { conversationId: BigInt(conversationId ?? 0) }, statusResponse)
      .catch((error: unknown) => {
        // It only says what comes with a body; heads come all the same.
        if (this.#told?.link === link) this.#told = undefined;
        this.#logger.debug(describe(error), 'what is on the screen was not told');
      });
  }
}
