/**
 * Runs before the page, in a world of its own. The page gets one thing, a port of the bridge, and gets it by asking:
 * it posts PORT_REQUEST to itself. Nothing of Electron is exposed.
 */
import { ipcRenderer } from 'electron';
import { OPEN_CHANNEL, PORT_ANSWER, PORT_CHANNEL, PORT_REQUEST } from '../bridge/message-channel-port.ts';

window.addEventListener('message', (event) => {
  if (event.source !== window || event.origin !== window.location.origin || event.data !== PORT_REQUEST) return;
  ipcRenderer.postMessage(OPEN_CHANNEL, null);
});

ipcRenderer.on(PORT_CHANNEL, (event) => {
  window.postMessage(PORT_ANSWER, window.location.origin, [...event.ports]);
});
