/**
 * Hands a page the one thing it gets from the shell: a port of the bridge. Only the main frame of our own page in our
 * own window is answered; every other sender is refused and logged.
 */
import type { IpcMainEvent, MessagePortMain, WebContents } from 'electron';
import type { BridgeLogger } from '../bridge/bridge-server.ts';
import { OPEN_CHANNEL, PORT_CHANNEL } from '../bridge/message-channel-port.ts';
import { isAppUrl } from './app-origin.ts';
import type { ElectronApi } from './electron-api.ts';

export interface BridgeChannelOptions {
  electron: Pick<ElectronApi, 'ipcMain' | 'MessageChannelMain'>;
  /** The contents of the window, while there is one. */
  contents: () => WebContents | undefined;
  serve: (port: MessagePortMain) => void;
  logger: BridgeLogger;
}

export function listenForPages({ electron, contents, serve, logger }: BridgeChannelOptions): void {
  electron.ipcMain.on(OPEN_CHANNEL, (event: IpcMainEvent) => {
    const frame = event.senderFrame;
    if (event.sender !== contents() || frame === null || frame.parent !== null || !isAppUrl(frame.url)) {
      logger.warn({ url: frame?.url.slice(0, 200) }, 'a frame that is not our page asked for the bridge');
      return;
    }
    const { port1, port2 } = new electron.MessageChannelMain();
    serve(port1);
    frame.postMessage(PORT_CHANNEL, null, [port2]);
  });
}
