import type { RefObject } from 'react';

/**
 * Moves a scroller to a place that is known better with every row that gets measured: at each measurement and each
 * frame, until it has stood there for some frames. `arrived` runs as soon as measured rows stand where they should, or
 * after half a second at the latest.
 */
export interface Settler {
  moveTo(place: (element: HTMLElement) => number, arrived?: () => void): void;
  /** Rows were measured: the place may be another now, and nothing has been painted yet. */
  measured(): void;
  /** Lets go of it where it is. */
  stop(): void;
}

const calmFrames = 4;
const mostFrames = 30;

interface Move {
  readonly place: (element: HTMLElement) => number;
  arrived: (() => void) | undefined;
  measured: boolean;
  calm: number;
  frames: number;
}

export function createSettler(scroller: RefObject<HTMLElement | null>): Settler {
  let move: Move | null = null;
  let frame = 0;

  const arrive = (one: Move): void => {
    const { arrived } = one;
    one.arrived = undefined;
    arrived?.();
  };

  /** Whether it stood in its place already. */
  const adjust = ({ place }: Move): boolean => {
    const element = scroller.current;
    if (!element) return true;
    const wanted = Math.max(0, Math.min(place(element), element.scrollHeight - element.clientHeight));
    if (Math.abs(element.scrollTop - wanted) <= 1) return true;
    element.scrollTop = wanted;
    return false;
  };

  const step = (): void => {
    if (!move) return;
    move.calm = adjust(move) ? move.calm + 1 : 0;
    move.frames++;
    const late = move.frames > mostFrames;
    if (late || (move.measured && move.calm > 0)) arrive(move);
    if (late || move.calm > calmFrames) move = null;
    else frame = requestAnimationFrame(step);
  };

  const stop = (): void => {
    cancelAnimationFrame(frame);
    const last = move;
    move = null;
    if (last) arrive(last);
  };

  return {
    moveTo(place, arrived) {
      cancelAnimationFrame(frame);
      move = { place, arrived: arrived ?? move?.arrived, measured: move?.measured ?? false, calm: 0, frames: 0 };
      adjust(move);
      frame = requestAnimationFrame(step);
    },
    measured() {
      if (!move) return;
      move.measured = true;
      if (!adjust(move)) move.calm = 0;
    },
    stop,
  };
}
