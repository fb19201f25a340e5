/** The page: takes the port to the engine, feeds the stores from it, draws. */
import 'virtual:tokens.css';
import './design/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { reconnectingBridge } from '../bridge/reconnecting-bridge.ts';
import { App } from './app.tsx';
import { portOpener } from './bridge-link/open-port.ts';
import { joinLinkOfPage } from './groups/join-link.ts';
import { applyLook, rememberedLook } from './shell/apply-look.ts';
import { connectUi } from './state/connect-ui.ts';
import { retryWhenBack } from './state/retry-when-back.ts';
import { createUi, defaultSettings, type Surroundings } from './state/ui.ts';

const schedule = (action: () => void, ms: number) => {
  const timer = window.setTimeout(action, ms);
  return () => window.clearTimeout(timer);
};

const surroundings: Surroundings = {
  now: () => Date.now(),
  watched: () => document.visibilityState === 'visible' && document.hasFocus(),
  schedule,
};

const settings = rememberedLook(localStorage, defaultSettings);
applyLook(document, settings, navigator.languages);

const bridge = reconnectingBridge(portOpener(window), {
  clock: { now: () => Date.now(), setTimer: (delayMs, callback) => schedule(callback, delayMs) },
  random: Math.random,
  onFault: (error) => console.error(error),
});
const ui = createUi(bridge, surroundings, settings);
// An invite link was opened as the address: its page is shown as soon as somebody is logged in.
ui.app.setState({ joinLink: joinLinkOfPage(location) });
connectUi(ui);
retryWhenBack(window, ui);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App ui={ui} />
  </StrictMode>,
);
