/** Notifications of the desktop. Each is held until it is gone: one that is collected is never clicked. */
import type { Notification } from 'electron';
import type { ElectronApi } from './electron-api.ts';
import type { NotificationCentre } from './message-notifier.ts';

export function createNotificationCentre(electron: Pick<ElectronApi, 'Notification'>): NotificationCentre {
  const shown = new Map<string, Notification>();
  const dismiss = (key: string): void => {
    const notification = shown.get(key);
    shown.delete(key);
    notification?.close();
  };
  return {
    show(key, { title, body }, onClick) {
      if (!electron.Notification.isSupported()) return;
      dismiss(key);
      const notification = new electron.Notification({ title, body });
      const forget = (): void => {
        if (shown.get(key) === notification) shown.delete(key);
      };
      notification.on('click', () => {
        forget();
        onClick();
      });
      notification.on('close', forget);
      shown.set(key, notification);
      notification.show();
    },
    dismiss,
  };
}
