import { useEffect, useState } from 'react';
import { useUi } from '../state/ui-context.tsx';

/** The time, renewed at every multiple of `everyMs`: one timer for all that is shown with it. */
export function useNow(everyMs: number, active = true): number {
  const { surroundings } = useUi();
  const [now, setNow] = useState(() => surroundings.now());
  useEffect(() => {
    if (!active) return undefined;
    let cancel = () => {};
    const tick = () => {
      setNow(surroundings.now());
      plan();
    };
    const plan = () => {
      cancel = surroundings.schedule(tick, everyMs - (surroundings.now() % everyMs) + 5);
    };
    setNow(surroundings.now());
    plan();
    return () => cancel();
  }, [surroundings, everyMs, active]);
  return now;
}
