import type { EngineLink } from '../bridge-link/engine-link.ts';
import { applyPresence, type LiveStore } from './live-store.ts';

/** Whose presence is on the screen: the engine is told the union of what all parts of the page show. */
export interface PresenceWatch {
  /** From now on; returns the function that ends it. */
  watch(userIds: readonly string[]): () => void;
  /** Tells everything again: the bridge is a new one. */
  again(): void;
}

/** Scrolling through a list tells once, when it rests. */
const waitMs = 250;
/** The most that the bridge takes in one call. */
const mostWatched = 100;

export function createPresenceWatch(
  link: EngineLink,
  live: LiveStore,
  schedule: (action: () => void, ms: number) => () => void,
): PresenceWatch {
  const watching = new Set<readonly string[]>();
  let planned = false;
  let told = '';

  const tell = (): void => {
    planned = false;
    const userIds = [...new Set([...watching].flat())].slice(0, mostWatched).sort();
    const key = userIds.join();
    if (key === told) return;
    told = key;
    link.call('presence.watch', { userIds }).then(
      (known) => applyPresence(live, known),
      () => {
        // Told again with the next change, or when the bridge is back.
        if (told === key) told = '?';
      },
    );
  };

  const plan = (): void => {
    if (planned) return;
    planned = true;
    schedule(tell, waitMs);
  };

  return {
    watch(userIds) {
      const own = [...userIds];
      watching.add(own);
      plan();
      return () => {
        watching.delete(own);
        plan();
      };
    },
    again() {
      told = '?';
      plan();
    },
  };
}
