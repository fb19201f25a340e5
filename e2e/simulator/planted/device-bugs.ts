import { Command, encodeFrames, FrameDecoder, historyRequest, MAX_DATA_AFTER_LOGIN } from '@fastim/protocol';
import type { Transport } from '../../../apps/desktop/src/engine/ports.ts';
import type { Store } from '../../../apps/desktop/src/engine/store.ts';
import type { Flaws } from '../system.ts';

/** Wrappers round a device's store and its connections. */

function onStore(change: (inner: Store) => Partial<Store>): Flaws {
  return {
    device: {
      store: (inner) => ({
        open: () => inner.open(),
        close: () => inner.close(),
        saveProfile: (patch) => inner.saveProfile(patch),
        beginAccount: (account, logOutFirst) => inner.beginAccount(account, logOutFirst),
        endAccount: (generation, pending) => inner.endAccount(generation, pending),
        putPendingLogOut: (pending) => inner.putPendingLogOut(pending),
        removePendingLogOut: (sessionId) => inner.removePendingLogOut(sessionId),
        load: (generation) => inner.load(generation),
        apply: (generation, batch) => inner.apply(generation, batch),
        messages: (generation, query) => inner.messages(generation, query),
        search: (generation, query) => inner.search(generation, query),
        ...change(inner),
      }),
    },
  };
}

/** Pulls of what lies between the tail and a push do not go out. */
function withoutGapPulls(transport: Transport): Transport {
  return {
    kinds: transport.kinds,
    connect: (address, events) => {
      const connection = transport.connect(address, events);
      const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
      return {
        send: (bytes) => {
          const frames = decoder
            .push(bytes)
            .filter(({ cmd, data }) => cmd !== Command.history || historyRequest.decode(data).newestFirst);
          if (frames.length > 0) connection.send(encodeFrames(frames));
        },
        close: () => connection.close(),
      };
    },
  };
}

export const deviceBugs = {
  gapPullOff: (): Flaws => ({ device: { transport: withoutGapPulls } }),

  /** What was pushed while a pull ran counts as the end of what is there. */
  cursorMovedDuringPull: (): Flaws =>
    onStore((inner) => ({
      load: async (generation) => {
        const loaded = await inner.load(generation);
        const conversations = loaded.conversations.map((row) =>
          row.tailSeq > 0 && row.tailSeq < row.headSeq
            ? {
                ...row,
                tailSeq: row.headSeq,
                deliveredSeq: row.headSeq,
                ranges: [{ from: Math.max(1, row.joinSeq), to: row.headSeq }],
              }
            : row,
        );
        return { ...loaded, conversations };
      },
    })),

  outboxForgotten: (): Flaws =>
    onStore((inner) => ({
      load: async (generation) => ({ ...(await inner.load(generation)), outbox: [] }),
    })),

  outboxNotDurable: (): Flaws =>
    onStore((inner) => ({
      apply: (generation, batch) => inner.apply(generation, { ...batch, durable: false }),
    })),
};
