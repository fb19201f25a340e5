import { useEffect, useState } from 'react';
import type { ServerCheckView } from '../../bridge/contract.ts';
import { type Failure, failureOf } from '../i18n/error-words.ts';
import { useUi } from '../state/ui-context.tsx';
import { serverUrlOf } from './server-address.ts';

export type ServerCheck =
  | { state: 'idle' }
  | { state: 'checking' }
  | { state: 'bad-address' }
  | { state: 'ok'; server: ServerCheckView }
  | { state: 'failed'; failure: Failure };

const waitMs = 400;
const againMs = 5000;

/** Asks the server at the typed address who it is: after a pause in typing, and again every 5 s while it fails. */
export function useServerCheck(typed: string): ServerCheck {
  const ui = useUi();
  const [check, setCheck] = useState<ServerCheck>({ state: 'idle' });

  useEffect(() => {
    const serverUrl = serverUrlOf(typed);
    if (serverUrl === null) {
      setCheck(typed.trim() === '' ? { state: 'idle' } : { state: 'bad-address' });
      return undefined;
    }
    let current = true;
    let cancel = () => {};
    const ask = async () => {
      try {
        const server = await ui.link.call('server.check', { serverUrl });
        if (current) setCheck({ state: 'ok', server });
      } catch (error) {
        if (!current) return;
        setCheck({ state: 'failed', failure: failureOf(error) });
        cancel = ui.surroundings.schedule(() => void ask(), againMs);
      }
    };
    setCheck({ state: 'checking' });
    cancel = ui.surroundings.schedule(() => void ask(), waitMs);
    return () => {
      current = false;
      cancel();
    };
  }, [ui, typed]);

  return check;
}
