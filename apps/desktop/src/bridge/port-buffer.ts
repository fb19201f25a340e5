/** Holds what a port received until it has a receiver, and makes its close happen once. */
import type { BridgePort } from './contract.ts';

export interface PortInput {
  /** Hands a message on, or keeps it for the receiver to come. Nothing is handed on after the close. */
  message(text: string): void;
  closed(): void;
  readonly isClosed: boolean;
  /** Takes the next message alone, ahead of the receiver: a greeting. */
  onNextMessage(greeter: (text: string) => void): void;
  readonly onMessage: BridgePort['onMessage'];
  readonly onClose: BridgePort['onClose'];
}

export function createPortInput(): PortInput {
  let receiver: ((text: string) => void) | undefined;
  let greeter: ((text: string) => void) | undefined;
  const early: string[] = [];
  const closeReceivers = new Set<() => void>();
  let isClosed = false;
  return {
    message(text) {
      if (isClosed) return;
      if (greeter) {
        const greet = greeter;
        greeter = undefined;
        greet(text);
      } else if (receiver) receiver(text);
      else early.push(text);
    },
    closed() {
      if (isClosed) return;
      isClosed = true;
      early.length = 0;
      for (const run of closeReceivers) run();
      closeReceivers.clear();
    },
    get isClosed() {
      return isClosed;
    },
    onNextMessage(next) {
      const first = early.shift();
      if (first === undefined) greeter = next;
      else next(first);
    },
    onMessage(next) {
      receiver = next;
      for (const text of early.splice(0)) next(text);
    },
    onClose(run) {
      if (isClosed) run();
      else closeReceivers.add(run);
    },
  };
}
