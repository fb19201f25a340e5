import type { RefObject } from 'react';

/**
 * Moves a scroller to a place that is known better with every row that gets measured: frame by frame, until it has
 * stood there for two frames. `then` runs once it stands, or after half a second at the latest.
 */
export interface Settler {
  moveTo(place: (element: HTMLElement) => number, then?: () => void): void;
  /** Lets go of it where it is. */
  stop(): void;
}

const calmFrames = 2;
const mostFrames = 30;

export function createSettler(scroller: RefObject<HTMLElement | null>): Settler {
  let frame = 0;
  let whenDone: (() => void) | undefined;

  const finish = (): void => {
    const run = whenDone;
    whenDone = undefined;
    run?.();
  };

  return {
    moveTo(place, then) {
      cancelAnimationFrame(frame);
      whenDone = then ?? whenDone;
      let calm = 0;
      let frames = 0;
      const step = (): void => {
        const element = scroller.current;
        if (!element) return;
        const wanted = Math.max(0, Math.min(place(element), element.scrollHeight - element.clientHeight));
        if (Math.abs(element.scrollTop - wanted) > 1) {
          element.scrollTop = wanted;
          calm = 0;
        } else calm++;
        if (calm > calmFrames || ++frames > mostFrames) finish();
        else frame = requestAnimationFrame(step);
      };
      step();
    },
    stop() {
      cancelAnimationFrame(frame);
      finish();
    },
  };
}
