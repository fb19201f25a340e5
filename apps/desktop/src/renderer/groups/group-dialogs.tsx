import { lazy, Suspense, useEffect } from 'react';
import { useApp, useUi } from '../state/ui-context.tsx';
import { isOwnJoinLink, leaveJoinAddress } from './join-link.ts';

const NewGroupDialog = lazy(() => import('./new-group-dialog.tsx'));
const JoinDialog = lazy(() => import('./join-dialog.tsx'));

/** The dialogs about groups that can be opened from anywhere. Each is loaded when it is first needed. */
export function GroupDialogs() {
  const ui = useUi();
  const dialog = useApp((state) => state.dialog);
  const joinLink = useApp((state) => state.joinLink);
  const serverUrl = useApp((state) => state.account?.serverUrl ?? '');

  useEffect(() => {
    // A link to a group of this server opens here instead of in another window.
    const onClick = (event: MouseEvent): void => {
      const link = (event.target as Element | null)?.closest?.('a');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !isOwnJoinLink(link.href, serverUrl)) return;
      event.preventDefault();
      ui.app.setState({ joinLink: link.href });
    };
    document.addEventListener('click', onClick);
    return () => document.removeEventListener('click', onClick);
  }, [ui, serverUrl]);

  return (
    <Suspense>
      {dialog === 'new-group' ? <NewGroupDialog onClose={() => ui.app.setState({ dialog: null })} /> : null}
      {joinLink === null ? null : (
        <JoinDialog
          key={joinLink}
          link={joinLink}
          onClose={() => {
            ui.app.setState({ joinLink: null });
            leaveJoinAddress(location, history);
          }}
        />
      )}
    </Suspense>
  );
}
