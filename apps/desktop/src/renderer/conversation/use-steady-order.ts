import { useCallback, useEffect, useRef, useState } from 'react';

const releaseAfterMs = 3000;

/**
 * The order of the list, held still while a pointer is over it and has moved lately: a row is never pulled away from
 * under a click. What is new meanwhile stands at the end until the pointer leaves or rests.
 */
export function useSteadyOrder(order: readonly string[]): {
  order: readonly string[];
  onPointerMove(): void;
  onPointerLeave(): void;
} {
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const latest = useRef(order);
  latest.current = order;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const release = useCallback(() => {
    clearTimeout(timer.current);
    setHeld(null);
  }, []);

  const hold = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(release, releaseAfterMs);
    setHeld((before) => before ?? latest.current);
  }, [release]);

  useEffect(() => () => clearTimeout(timer.current), []);

  return { order: held === null ? order : steady(held, order), onPointerMove: hold, onPointerLeave: release };
}

export function steady(held: readonly string[], order: readonly string[]): readonly string[] {
  const there = new Set(order);
  const before = new Set(held);
  return [...held.filter((id) => there.has(id)), ...order.filter((id) => !before.has(id))];
}
