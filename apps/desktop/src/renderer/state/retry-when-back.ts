import type { Ui } from './ui.ts';

/** The network came back or somebody looks again: connect now instead of at the end of the pause. */
export function retryWhenBack(window: Window, ui: Ui): () => void {
  const { document } = window;
  const retry = (): void => {
    if (document.visibilityState !== 'visible') return;
    const { link, connection } = ui.app.getState();
    if (link.state === 'lost') ui.link.retry();
    else if (connection.state === 'offline') ui.link.call('connection.retry', {}).catch(() => {});
  };
  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', retry);
  return () => {
    window.removeEventListener('online', retry);
    document.removeEventListener('visibilitychange', retry);
  };
}
