import { useEffect, useState } from 'react';
import type { ServerCheckStep, ServerCheckView } from '../../bridge/contract.ts';
import { type Failure, failureOf } from '../i18n/error-words.ts';
import { useUi } from '../state/ui-context.tsx';
import { serverUrlOf } from './server-address.ts';

export type ServerCheck =
  | { state: 'idle' }
  | { state: 'checking' }
  | { state: 'bad-address' }
  | { state: 'ok'; server: ServerFound }
  | { state: 'failed'; step: ServerCheckStep; detail: string }
  /** The check itself was not done. */
  | { state: 'refused'; failure: Failure };

type ServerFound = Extract<ServerCheckView, { ok: true }>;

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
      const found = await ui.link.call('server.check', { serverUrl }).then(stateOf, (error: unknown): ServerCheck => {
        return { state: 'refused', failure: failureOf(error) };
      });
      if (!current) return;
      setCheck(found);
      if (found.state !== 'ok') cancel = ui.surroundings.schedule(() => void ask(), againMs);
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

function stateOf(server: ServerCheckView): ServerCheck {
  return server.ok ? { state: 'ok', server } : { state: 'failed', step: server.step, detail: server.detail };
}
