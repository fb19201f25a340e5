/** The engine inside the shell: started once, served to every page that asks, stopped with everything written. */
import type { MessagePortMain } from 'electron';
import { type BridgeLogger, type BridgeServer, serveBridge } from '../bridge/bridge-server.ts';
import type { BridgeEventName, BridgeEvents, BridgePort } from '../bridge/contract.ts';
import { portOver } from '../bridge/message-channel-port.ts';
import { createPortInput } from '../bridge/port-buffer.ts';
import type { ClientApi } from '../engine/client-api.ts';

export interface EngineHost {
  /** Opens the store and connects. Idempotent; rejects with what the engine said. */
  start(): Promise<void>;
  /** Serves one page. What it asks before the engine is there waits; it is closed if the engine cannot start. */
  serve(port: MessagePortMain): void;
  /** Tells every page. */
  announce<E extends BridgeEventName>(event: E, payload: BridgeEvents[E]): void;
  /** Closes every port, then stops the engine. Idempotent. */
  stop(): Promise<void>;
}

export function createEngineHost(client: ClientApi, logger: BridgeLogger): EngineHost {
  const bridges = new Set<BridgeServer>();
  let started: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  const start = (): Promise<void> => {
    started ??= client.start();
    return started;
  };

  return {
    start,
    serve(mainPort) {
      const port = portOfMain(mainPort);
      start().then(
        () => {
          if (stopped) {
            port.close();
            return;
          }
          const bridge = serveBridge(port, client, { logger });
          bridges.add(bridge);
          port.onClose(() => bridges.delete(bridge));
        },
        () => port.close(),
      );
    },
    announce(event, payload) {
      for (const bridge of bridges) bridge.announce(event, payload);
    },
    stop() {
      if (!stopped) {
        for (const bridge of [...bridges]) bridge.close();
        // A start that is under way is waited for: what it opened has to be closed.
        stopped = (started ?? Promise.resolve()).catch(() => undefined).then(() => client.stop());
      }
      return stopped;
    },
  };
}

function portOfMain(port: MessagePortMain): BridgePort {
  const input = createPortInput();
  port.on('message', ({ data }) => input.message(data as string));
  port.on('close', () => input.closed());
  port.start();
  return portOver(input, port);
}
