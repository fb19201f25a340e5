import { useCallback, useEffect, useState } from 'react';
import { Problem } from '../design/dialog.tsx';
import { SwitchRow } from '../design/switch-row.tsx';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';

/** The switch moves when the server has stored it. */
export function Privacy() {
  const ui = useUi();
  const text = useText();
  const online = useApp((state) => state.connection.state === 'online');
  const [shown, setShown] = useState<boolean | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const load = useCallback((): (() => void) => {
    let current = true;
    ui.link.call('privacy.get', {}).then(
      ({ showOnline }) => {
        if (!current) return;
        setShown(showOnline);
        setProblem(null);
      },
      (error: unknown) => current && setProblem(errorWords(text, failureOf(error).reason)),
    );
    return () => {
      current = false;
    };
  }, [ui, text]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when the network is back
  useEffect(load, [load, online]);

  const change = async (showOnline: boolean): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      setShown((await ui.link.call('privacy.set', { showOnline })).showOnline);
      // What is known of others was for the setting before.
      ui.presence.again();
    } catch (error) {
      setProblem(text('settings.saveFailed', { words: errorWords(text, failureOf(error).reason) }));
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <SwitchRow
        label={text('settings.showOnline')}
        hint={text('settings.showOnlineHint')}
        checked={shown ?? false}
        disabled={shown === null || busy}
        onChange={(next) => void change(next)}
        testId={testIds.showOnline}
      />
      {problem === null ? null : <Problem>{problem}</Problem>}
    </>
  );
}
