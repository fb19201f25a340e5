import { beforeEach, describe, expect, it, vi } from 'vitest';
import { OPEN_CHANNEL, PORT_ANSWER, PORT_CHANNEL, PORT_REQUEST } from '../bridge/message-channel-port.ts';

const ipcRenderer = { postMessage: vi.fn(), on: vi.fn() };
vi.mock('electron', () => ({ ipcRenderer }));

const listeners: ((event: { source: unknown; origin: string; data: unknown }) => void)[] = [];
const page = {
  location: { origin: 'app://fastim' },
  addEventListener: vi.fn((type: string, listener: (typeof listeners)[number]) => {
    if (type === 'message') listeners.push(listener);
  }),
  postMessage: vi.fn(),
};

beforeEach(async () => {
  vi.resetModules();
  vi.clearAllMocks();
  listeners.length = 0;
  vi.stubGlobal('window', page);
  await import('./preload.ts');
});

const ask = (event: Partial<{ source: unknown; origin: string; data: unknown }>) => {
  for (const listener of listeners) listener({ source: page, origin: 'app://fastim', data: PORT_REQUEST, ...event });
};

describe('the preload script', () => {
  it('asks the main process for a port when the page asks it, each time', () => {
    ask({});
    ask({});
    expect(ipcRenderer.postMessage.mock.calls).toEqual([
      [OPEN_CHANNEL, null],
      [OPEN_CHANNEL, null],
    ]);
  });

  it('bad input 58: does not ask for an iframe, another origin or another message', () => {
    ask({ source: {} });
    ask({ source: null });
    ask({ origin: 'https://example.org' });
    ask({ origin: 'null' });
    ask({ data: 'something else' });
    ask({ data: { request: PORT_REQUEST } });
    expect(ipcRenderer.postMessage).not.toHaveBeenCalled();
  });

  it('hands the port to the page of its own origin, and listens to nothing else', () => {
    expect(ipcRenderer.on.mock.calls.map(([channel]) => channel)).toEqual([PORT_CHANNEL]);
    const port = {};
    ipcRenderer.on.mock.calls[0]?.[1]({ ports: [port] });
    expect(page.postMessage.mock.calls).toEqual([[PORT_ANSWER, 'app://fastim', [port]]]);
  });
});
