/** Electron as the shell sees it, recorded: what was made, with which options, and hands to fire its events. */
import { EventEmitter } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ElectronApi } from '../electron-api.ts';

type Handler = (...args: never[]) => unknown;

export class FakeWebContents extends EventEmitter {
  openHandler: ((details: { url: string }) => { action: string }) | undefined;
  reloads = 0;

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.openHandler = handler;
  }

  reload(): void {
    this.reloads += 1;
  }
}

export class FakeWindow extends EventEmitter {
  readonly options: Record<string, unknown>;
  readonly webContents = new FakeWebContents();
  readonly calls: [name: string, ...args: unknown[]][] = [];
  visible = false;
  focused = false;
  maximised = false;
  minimised = false;
  bounds = { x: 10, y: 20, width: 900, height: 700 };

  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
  }

  loadURL(url: string): Promise<void> {
    this.calls.push(['loadURL', url]);
    return Promise.resolve();
  }

  show(): void {
    this.visible = true;
  }

  hide(): void {
    this.visible = false;
  }

  focus(): void {
    this.focused = true;
  }

  restore(): void {
    this.minimised = false;
  }

  maximize(): void {
    this.maximised = true;
  }

  isVisible(): boolean {
    return this.visible;
  }

  isFocused(): boolean {
    return this.focused;
  }

  isMinimized(): boolean {
    return this.minimised;
  }

  isMaximized(): boolean {
    return this.maximised;
  }

  getNormalBounds() {
    return this.bounds;
  }

  flashFrame(on: boolean): void {
    this.calls.push(['flashFrame', on]);
  }

  setOverlayIcon(icon: unknown, text: string): void {
    this.calls.push(['setOverlayIcon', icon, text]);
  }

  /** What the user does: returns whether the window closed. */
  userCloses(): boolean {
    const event = preventable();
    this.emit('close', event);
    if (!event.prevented) this.emit('closed');
    return !event.prevented;
  }
}

export class FakeNotification extends EventEmitter {
  readonly text: { title: string; body: string };
  shown = false;
  closed = false;

  constructor(text: { title: string; body: string }) {
    super();
    this.text = text;
  }

  show(): void {
    this.shown = true;
  }

  close(): void {
    this.closed = true;
    this.emit('close');
  }
}

export class FakeTray extends EventEmitter {
  tip = '';
  menu: MenuItem[] = [];
  destroyed = false;
  readonly balloons: string[] = [];

  setImage(): void {}

  setToolTip(tip: string): void {
    this.tip = tip;
  }

  setContextMenu(menu: { items: MenuItem[] }): void {
    this.menu = menu.items;
  }

  displayBalloon({ content }: { content: string }): void {
    this.balloons.push(content);
  }

  destroy(): void {
    this.destroyed = true;
  }
}

export interface MenuItem {
  label?: string;
  role?: string;
  click?: () => void;
}

export class FakeSession extends EventEmitter {
  permissionRequest: Handler | undefined;
  permissionCheck: Handler | undefined;
  devicePermission: Handler | undefined;
  beforeRequest: Handler | undefined;
  readonly webRequest = {
    onBeforeRequest: (handler: Handler) => {
      this.beforeRequest = handler;
    },
  };

  setPermissionRequestHandler(handler: Handler): void {
    this.permissionRequest = handler;
  }

  setPermissionCheckHandler(handler: Handler): void {
    this.permissionCheck = handler;
  }

  setDevicePermissionHandler(handler: Handler): void {
    this.devicePermission = handler;
  }
}

/** Node's channel behind the face of MessageChannelMain. */
class FakeMessageChannelMain {
  readonly port1: FakeMessagePortMain;
  readonly port2: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = new FakeMessagePortMain(port1);
    this.port2 = port2;
  }
}

class FakeMessagePortMain {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  on(event: 'message' | 'close', listener: (event: { data: unknown }) => void): this {
    this.#port.on(event, (data: unknown) => listener({ data }));
    return this;
  }

  start(): void {
    this.#port.start();
  }

  postMessage(message: unknown): void {
    this.#port.postMessage(message);
  }

  close(): void {
    this.#port.close();
  }
}

export function preventable<T extends object>(fields = {} as T): T & { prevented: boolean; preventDefault(): void } {
  const event = {
    ...fields,
    prevented: false,
    preventDefault() {
      event.prevented = true;
    },
  };
  return event;
}

export class FakeApp extends EventEmitter {
  readonly calls: [name: string, ...args: unknown[]][] = [];
  readonly paths: Record<string, string>;
  isPackaged = true;
  hasLock = true;
  locale = 'en-US';
  badge = 0;
  quits = 0;
  ended = false;
  readonly dock = { bounce: (kind: string) => this.calls.push(['bounce', kind]) };
  makeReady = (): void => undefined;
  readonly #ready = new Promise<void>((resolve) => {
    this.makeReady = resolve;
  });

  constructor(userData: string) {
    super();
    this.paths = { userData };
  }

  setName(name: string): void {
    this.calls.push(['setName', name]);
  }

  setAppUserModelId(id: string): void {
    this.calls.push(['setAppUserModelId', id]);
  }

  enableSandbox(): void {
    this.calls.push(['enableSandbox']);
  }

  getPath(name: string): string {
    return this.paths[name] ?? '';
  }

  setPath(name: string, path: string): void {
    this.paths[name] = path;
  }

  requestSingleInstanceLock(): boolean {
    return this.hasLock;
  }

  whenReady(): Promise<void> {
    return this.#ready;
  }

  getLocale(): string {
    return this.locale;
  }

  setBadgeCount(count: number): void {
    this.badge = count;
  }

  quit(): void {
    this.quits += 1;
    const event = preventable();
    this.emit('before-quit', event);
    if (!event.prevented) this.ended = true;
  }

  exit(): void {
    this.ended = true;
  }
}

export interface FakeElectron {
  api: ElectronApi;
  app: FakeApp;
  session: FakeSession;
  ipcMain: EventEmitter;
  powerMonitor: EventEmitter;
  windows: FakeWindow[];
  notifications: FakeNotification[];
  trays: FakeTray[];
  popups: MenuItem[][];
  schemes: { scheme: string; privileges: Record<string, boolean> }[];
  protocolHandlers: Map<string, (request: Request) => Promise<Response>>;
  opened: string[];
  questions: { detail: string; buttons: string[] }[];
  errorBoxes: string[][];
  /** What the user presses in the next questions: the index of a button. */
  answer: number;
}

/** `userData`: a folder that the shell may write to. */
export function createFakeElectron(userData: string): FakeElectron {
  const fake: Omit<FakeElectron, 'api'> = {
    app: new FakeApp(userData),
    session: new FakeSession(),
    ipcMain: new EventEmitter(),
    powerMonitor: new EventEmitter(),
    windows: [],
    notifications: [],
    trays: [],
    popups: [],
    schemes: [],
    protocolHandlers: new Map(),
    opened: [],
    questions: [],
    errorBoxes: [],
    answer: 0,
  };
  const api = {
    app: fake.app,
    BrowserWindow: class extends FakeWindow {
      constructor(options: Record<string, unknown>) {
        super(options);
        fake.windows.push(this);
        fake.app.emit('web-contents-created', {}, this.webContents);
      }
    },
    dialog: {
      showMessageBox: async (_window: unknown, question: { detail: string; buttons: string[] }) => {
        fake.questions.push(question);
        return { response: fake.answer };
      },
      showErrorBox: (...text: string[]) => fake.errorBoxes.push(text),
    },
    ipcMain: fake.ipcMain,
    Menu: {
      buildFromTemplate: (items: MenuItem[]) => ({ items, popup: () => fake.popups.push(items) }),
      setApplicationMenu: () => undefined,
    },
    MessageChannelMain: FakeMessageChannelMain,
    nativeImage: { createFromBitmap: (_pixels: Buffer, size: object) => ({ image: true, ...size }) },
    Notification: class extends FakeNotification {
      static isSupported(): boolean {
        return true;
      }

      constructor(text: { title: string; body: string }) {
        super(text);
        fake.notifications.push(this);
      }
    },
    powerMonitor: fake.powerMonitor,
    protocol: {
      registerSchemesAsPrivileged: (schemes: FakeElectron['schemes']) => fake.schemes.push(...schemes),
      handle: (scheme: string, handler: (request: Request) => Promise<Response>) => {
        fake.protocolHandlers.set(scheme, handler);
      },
    },
    screen: { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1040 } }] },
    session: { defaultSession: fake.session },
    shell: {
      openExternal: async (url: string) => {
        fake.opened.push(url);
      },
    },
    Tray: class extends FakeTray {
      constructor() {
        super();
        fake.trays.push(this);
      }
    },
  };
  // Only what the shell uses is there; what it uses behaves as Electron's documentation says.
  return Object.assign(fake, { api: api as unknown as ElectronApi });
}
