import type { MessageView } from '../../bridge/contract.ts';

/** What a row asks for. One object for the life of a list, so that no row is drawn anew for it. */
export interface RowActions {
  retry(message: MessageView): void;
  /** Opens the menu of a message at a place on the screen. */
  openMenu(message: MessageView, at: DOMRect): void;
  openReactions(message: MessageView, at: DOMRect): void;
  react(message: MessageView, emoji: string, on: boolean): void;
  reply(message: MessageView): void;
  /** To the message that this one answers. */
  openQuote(message: MessageView): void;
  openReaders(message: MessageView): void;
  /** The words of a recalled message come back into the composer. */
  editAgain(message: MessageView): void;
  /** Its sender is mentioned in the composer. */
  mention(message: MessageView): void;
  toggleSelected(message: MessageView): void;
}
