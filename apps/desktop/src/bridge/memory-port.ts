/** Two ends of a bridge in one process. Messages arrive in order, after the sender's turn, as over a real channel. */
import type { BridgePort } from './contract.ts';
import { createPortInput } from './port-buffer.ts';

export function createMemoryPorts(): [BridgePort, BridgePort] {
  const inputs = [createPortInput(), createPortInput()] as const;
  const end = (own: 0 | 1): BridgePort => {
    const other = inputs[own === 0 ? 1 : 0];
    return {
      send(text) {
        if (inputs[own].isClosed) return;
        void Promise.resolve().then(() => other.message(text));
      },
      onMessage: inputs[own].onMessage,
      onClose: inputs[own].onClose,
      close() {
        if (inputs[own].isClosed) return;
        inputs[own].closed();
        void Promise.resolve().then(() => other.closed());
      },
    };
  };
  return [end(0), end(1)];
}
