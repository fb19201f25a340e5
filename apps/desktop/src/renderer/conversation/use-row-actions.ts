import { useMemo } from 'react';
import { retryMessage } from '../state/send-message.ts';
import { useUi } from '../state/ui-context.tsx';
import type { MenuTarget } from './message-menu.tsx';
import type { RowActions } from './message-row.tsx';

/** The same object for as long as the list lives, so that rows are not drawn anew for it. */
export function useRowActions(openMenu: (target: MenuTarget) => void): RowActions {
  const ui = useUi();
  return useMemo<RowActions>(
    () => ({
      // A retry that did not reach the engine leaves the message as it is: marked, with Retry.
      retry: (message) => void retryMessage(ui, message.key).catch(() => {}),
      openMenu: (message, at) => openMenu({ message, at }),
    }),
    [ui, openMenu],
  );
}
