/**
 * Runs before the page, in a world of its own. The page gets one thing, a port of the bridge, and gets it by asking:
 * it posts a request to itself. Nothing of Electron is exposed.
 */
import { ipcRenderer } from 'electron';
import type { OPEN_CHANNEL, PORT_ANSWER, PORT_CHANNEL, PORT_REQUEST } from '../bridge/message-channel-port.ts';

// Written out, so that this file needs nothing but Electron; the types hold them to the names of the other side.
const portRequest: typeof PORT_REQUEST = 'fastim:bridge-request';
const portAnswer: typeof PORT_ANSWER = 'fastim:bridge-port';
const openChannel: typeof OPEN_CHANNEL = 'fastim:open-bridge';
const portChannel: typeof PORT_CHANNEL = 'fastim:bridge-port';

window.addEventListener('message', (event) => {
  if (event.source !== window || event.origin !== window.location.origin || event.data !== portRequest) return;
  ipcRenderer.postMessage(openChannel, null);
});

ipcRenderer.on(portChannel, (event) => {
  window.postMessage(portAnswer, window.location.origin, [...event.ports]);
});
