import { type MouseEvent, type PointerEvent, useEffect, useMemo, useRef } from 'react';

const holdMs = 500;
const slackPx = 10;

/**
 * A finger that rests on an element opens its menu, as a right click does. Not every browser tells of it by itself; where
 * one does, the menu that opens first stays.
 */
export function useLongPress(open: (element: Element, at: DOMRect) => void) {
  const state = useRef<{ timer: ReturnType<typeof setTimeout> | undefined; x: number; y: number; fired: boolean }>({
    timer: undefined,
    x: 0,
    y: 0,
    fired: false,
  });
  const latest = useRef(open);
  latest.current = open;

  useEffect(() => () => clearTimeout(state.current.timer), []);

  return useMemo(() => {
    const now = state.current;
    const stop = (): void => clearTimeout(now.timer);
    return {
      onPointerDown(event: PointerEvent): void {
        stop();
        now.fired = false;
        if (event.pointerType !== 'touch') return;
        const element = event.target as Element;
        now.x = event.clientX;
        now.y = event.clientY;
        now.timer = setTimeout(() => {
          now.fired = true;
          latest.current(element, new DOMRect(now.x, now.y, 0, 0));
        }, holdMs);
      },
      onPointerMove(event: PointerEvent): void {
        if (Math.hypot(event.clientX - now.x, event.clientY - now.y) > slackPx) stop();
      },
      onPointerUp: stop,
      onPointerCancel: stop,
      /** The finger that opened the menu does not open the row as well. */
      onClickCapture(event: MouseEvent): void {
        if (!now.fired) return;
        now.fired = false;
        event.preventDefault();
        event.stopPropagation();
      },
    };
  }, []);
}
