import {
  backoffDelay,
  type ClientSessionEvent,
  type ClientSessionState,
  type Clock,
  clientSessionTable,
  nextState,
  type Random,
} from '@fastim/core';
import {
  CloseCode,
  Command,
  closeAction,
  FastimError,
  type HeartbeatResponse,
  type LoginResponse,
  loginRequest,
  loginResponse,
  reconnect,
  type SyncMark,
} from '@fastim/protocol';
import type { AccessTokens } from './access-tokens.ts';
import { Beats } from './beats.ts';
import { ConnectionLink, type LinkClose } from './connection-link.ts';
import { asFastimError, describe } from './errors.ts';
import { type GateCandidate, gateCandidates } from './gate-candidates.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger, Transport } from './ports.ts';
import type { ServerApi } from './server-api.ts';
import { SleepWatch } from './sleep-watch.ts';
import type { ConnectionView } from './views.ts';

type OfflineReason = Extract<ConnectionView, { state: 'offline' }>['reason'];
type EndReason = Extract<ConnectionView, { state: 'ended' }>['reason'];

export interface SessionEvents {
  /** 'online' here means logged in; whether a sync still runs is not the session's to know. */
  view(view: ConnectionView): void;
  online(link: ConnectionLink, login: LoginResponse): void;
  /** The link given to `online` is gone. */
  offline(): void;
  notify(cmd: number, data: Uint8Array): void;
  heartbeat(answer: HeartbeatResponse): void;
}

/** Redirections and refreshes in a row, without a login that lasted, that are followed at once. */
const HASTE = 3;

/**
 * Keeps one account logged in at a gate: core's `clientSessionTable` driven by the LSB, the transport and the clock.
 *
 * start → POST /v1/gates → connect (each gate offered, in order) → LOGIN → online, with heartbeats. Whatever breaks leads
 * back there by itself: at once where the server says so, else after backoff with full jitter; only 'ended' waits for
 * the user. `stop` from any state closes everything and is idempotent.
 */
export class Session {
  readonly #api: ServerApi;
  readonly #tokens: AccessTokens;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #clientVersion: string;
  readonly #userId: string;
  readonly #events: SessionEvents;

  #state: ClientSessionState = 'stopped';
  /** Rises with every change of state: what an earlier state had begun is then void. */
  #step = 0;
  readonly #timers = new Set<() => void>();
  readonly #sleepWatch: SleepWatch;
  readonly #beats: Beats;
  #link: ConnectionLink | undefined;
  /** For the gate that `link` leads to. */
  #ticket = '';
  #untried: GateCandidate[] = [];
  #attempt = 0;
  #haste = 0;
  /** Tickets refused in a row. */
  #ticketsRefused = 0;
  #onlineSince = 0;
  #login: LoginResponse | undefined;
  #wait: { delayMs: number; reason: OfflineReason } = { delayMs: 0, reason: 'network' };
  #ended: EndReason = 'logged-out';
  #view: ConnectionView = { state: 'idle' };

  constructor(parts: {
    api: ServerApi;
    tokens: AccessTokens;
    transport: Transport;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    clientVersion: string;
    userId: string;
    mark: () => SyncMark;
    events: SessionEvents;
  }) {
    this.#api = parts.api;
    this.#tokens = parts.tokens;
    this.#transport = parts.transport;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#clientVersion = parts.clientVersion;
    this.#userId = parts.userId;
    this.#events = parts.events;
    this.#beats = new Beats({
      clock: parts.clock,
      random: parts.random,
      logger: parts.logger,
      limits: parts.limits,
      mark: parts.mark,
      answered: (answer) => this.#events.heartbeat(answer),
      dead: () => this.#fail('network'),
    });
    const { watchMs, sleepJumpMs } = parts.limits;
    this.#sleepWatch = new SleepWatch({
      clock: parts.clock,
      everyMs: watchMs,
      jumpMs: sleepJumpMs,
      jumped: (jumpMs) => {
        this.#logger.info({ jumpMs }, 'the clock jumped: checking the connection');
        this.retryNow();
      },
    });
  }

  get view(): ConnectionView {
    return this.#view;
  }

  start(): void {
    if (this.#state !== 'stopped' && this.#state !== 'ended') return;
    this.#attempt = 0;
    this.#haste = 0;
    this.#sleepWatch.start();
    this.#go('start');
  }

  stop(): void {
    this.#sleepWatch.stop();
    this.#go('stop');
  }

  /** The network came back, the machine woke, or the user pressed Retry: do not wait any longer. */
  retryNow(): void {
    if (this.#state === 'waiting') {
      this.#attempt = 0;
      this.#go('retry');
    } else if (this.#state === 'online') {
      this.#beats.probe();
    }
  }

  /** The server said elsewhere (an HTTP answer) that the session is over. */
  revoked(): void {
    this.#end('logged-out');
  }

  /** What was seen says that the connection is of no use any more. */
  reconnect(): void {
    if (this.#state === 'online') this.#fail('network');
  }

  #go(event: ClientSessionEvent): void {
    const next = nextState(clientSessionTable, this.#state, event);
    if (next === undefined) return;
    const wasOnline = this.#state === 'online';
    this.#state = next;
    this.#step += 1;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    if (next !== 'connecting' && next !== 'loggingIn' && next !== 'online') this.#dropLink();
    if (wasOnline) {
      this.#beats.stop();
      if (this.#clock.now() - this.#onlineSince >= this.#limits.stableMs) {
        this.#attempt = 0;
        this.#haste = 0;
      }
      this.#events.offline();
    }
    this.#enter(next);
  }

  #enter(state: ClientSessionState): void {
    switch (state) {
      case 'stopped':
        this.#show({ state: 'idle' });
        break;
      case 'locating':
        this.#show({ state: 'connecting' });
        this.#run(() => this.#locate());
        break;
      case 'connecting':
        this.#connectNext();
        break;
      case 'loggingIn':
        this.#run(() => this.#logIn());
        break;
      case 'online':
        this.#beOnline();
        break;
      case 'refreshing':
        this.#show({ state: 'connecting' });
        this.#run(() => this.#refresh());
        break;
      case 'waiting': {
        const { delayMs, reason } = this.#wait;
        // Each wait pays for one more try in haste.
        this.#haste = Math.min(this.#haste, HASTE - 1);
        this.#show({ state: 'offline', retryAtMs: this.#clock.now() + delayMs, reason });
        this.#timer(delayMs, () => this.#go('retry'));
        break;
      }
      case 'ended':
        this.#sleepWatch.stop();
        this.#show({ state: 'ended', reason: this.#ended });
        break;
    }
  }

  /** Runs the work of a state; what it throws is the state's failure, unless the state is over. */
  #run(work: () => Promise<void>): void {
    const step = this.#step;
    work().catch((error: unknown) => {
      if (step === this.#step) this.#failWith(error);
      else this.#logger.debug(describe(error), 'a state that is over failed');
    });
  }

  async #locate(): Promise<void> {
    const step = this.#step;
    const used = this.#tokens.accessToken;
    const gates = await this.#api.gates(used, this.#clientVersion);
    if (step !== this.#step) return;
    this.#untried = gateCandidates(gates.gates, this.#transport.kinds);
    if (this.#untried.length === 0) throw new FastimError('UNAVAILABLE', 'no gate that this client can reach');
    if (gates.delayMs <= 0) {
      this.#go('located');
      return;
    }
    if (gates.delayMs >= 2_000) {
      this.#show({ state: 'offline', retryAtMs: this.#clock.now() + gates.delayMs, reason: 'overloaded' });
    }
    this.#timer(gates.delayMs, () => this.#go('located'));
  }

  #connectNext(): void {
    const candidate = this.#untried.shift();
    if (!candidate) {
      this.#fail('network');
      return;
    }
    this.#dropLink();
    this.#ticket = candidate.ticket;
    const step = this.#step;
    const link: ConnectionLink = new ConnectionLink({
      transport: this.#transport,
      address: candidate.address,
      clock: this.#clock,
      random: this.#random,
      logger: this.#logger,
      events: {
        opened: () => {
          if (this.#link === link) this.#go('connected');
        },
        received: () => this.#beats.received(),
        notify: (cmd, data) => this.#notified(cmd, data),
        closed: (close) => {
          if (this.#link === link) this.#closed(close);
        },
      },
    });
    this.#link = link;
    this.#timer(this.#limits.connectTimeoutMs, () => {
      if (step === this.#step && this.#link === link) this.#connectNext();
    });
  }

  async #logIn(): Promise<void> {
    const step = this.#step;
    const link = this.#link!;
    let answer: LoginResponse;
    try {
      answer = await link.request(
        Command.login,
        loginRequest,
        {
          accessToken: this.#tokens.accessToken,
          clientVersion: this.#clientVersion,
          gateTicket: this.#ticket,
        },
        loginResponse,
        this.#limits.loginTimeoutMs,
      );
    } catch (error) {
      // A close says more than its effect on the request; it has moved the state already.
      if (step === this.#step) this.#failWith(error);
      return;
    }
    if (step !== this.#step) return;
    if (answer.userId.toString() !== this.#userId) throw new FastimError('INTERNAL', 'logged in as somebody else');
    this.#login = answer;
    this.#go('loggedIn');
  }

  #beOnline(): void {
    this.#onlineSince = this.#clock.now();
    this.#ticketsRefused = 0;
    this.#beats.start(this.#link!, this.#login!);
    // Before it is shown: what is told then knows already that a sync runs.
    this.#events.online(this.#link!, this.#login!);
    this.#show({ state: 'online' });
  }

  async #refresh(): Promise<void> {
    const step = this.#step;
    await this.#tokens.refresh(this.#tokens.accessToken);
    if (step === this.#step) this.#go('refreshed');
  }

  #notified(cmd: number, data: Uint8Array): void {
    if (cmd === Command.reconnect) {
      const { delayMs } = reconnect.decode(data);
      this.#logger.info({ delayMs }, 'the gate asks to move');
      if (this.#state === 'online') this.#timer(Math.max(1, delayMs), () => this.#redirect());
    } else if (this.#state === 'online') {
      this.#events.notify(cmd, data);
    }
  }

  #closed(close: LinkClose): void {
    const { code, reason, retryAfterMs, fault } = close;
    this.#logger.info({ code, reason, state: this.#state, ...(fault && { fault: fault.reason }) }, 'connection closed');
    if (fault?.reason === 'UPGRADE_REQUIRED') {
      this.#end('upgrade');
      return;
    }
    if (this.#state === 'connecting' && closeAction(code) !== 'stop') {
      this.#connectNext();
      return;
    }
    switch (closeAction(code)) {
      case 'stop':
        this.#end(code === CloseCode.banned ? 'banned' : code === CloseCode.upgradeRequired ? 'upgrade' : 'logged-out');
        break;
      case 'ask-lsb':
        if (code === CloseCode.unauthenticated) this.#expire();
        else if (code === CloseCode.ticketInvalid) this.#ticketRefused(retryAfterMs);
        else this.#redirect();
        break;
      default:
        this.#fail(code >= 4_000 ? 'server' : 'network', retryAfterMs);
    }
  }

  #failWith(error: unknown): void {
    const { reason, message, retryAfterMs } = asFastimError(error);
    this.#logger.info({ reason, message, state: this.#state }, 'cannot go online now');
    if (reason === 'UNAUTHENTICATED') this.#expire();
    else if (reason === 'SESSION_ENDED') this.#end('logged-out');
    else if (reason === 'UPGRADE_REQUIRED') this.#end('upgrade');
    else if (reason === 'TICKET_INVALID') this.#ticketRefused(retryAfterMs);
    else if (reason === 'OVERLOADED' || reason === 'RATE_LIMITED') this.#fail('overloaded', retryAfterMs);
    else this.#fail(reason === 'UNAVAILABLE' || reason === 'TIMEOUT' ? 'network' : 'server', retryAfterMs);
  }

  #fail(reason: OfflineReason, retryAfterMs = 0): void {
    const wasStable = this.#state === 'online' && this.#clock.now() - this.#onlineSince >= this.#limits.stableMs;
    const attempt = wasStable ? 0 : this.#attempt;
    const jitter = backoffDelay(this.#limits.reconnect, attempt, this.#random.fraction());
    // Advice is kept, and spread a little, so that those who got the same advice do not come together.
    const delayMs = retryAfterMs > 0 ? retryAfterMs + Math.min(jitter, retryAfterMs) : jitter;
    this.#wait = { delayMs, reason };
    this.#go('failed');
    this.#attempt = attempt + 1;
  }

  #redirect(): void {
    if (this.#hasty()) this.#go('redirected');
    else this.#fail('server');
  }

  /** Another ticket is a question away: asked at once the first time, after the usual wait when that did not help. */
  #ticketRefused(retryAfterMs: number): void {
    this.#ticketsRefused += 1;
    if (this.#ticketsRefused === 1) this.#redirect();
    else this.#fail('server', retryAfterMs);
  }

  #expire(): void {
    if (this.#hasty()) this.#go('tokenExpired');
    else this.#fail('server');
  }

  /** Whether to go on at once; false when that has led nowhere too often. */
  #hasty(): boolean {
    if (this.#state === 'online' && this.#clock.now() - this.#onlineSince >= this.#limits.stableMs) this.#haste = 0;
    this.#haste += 1;
    return this.#haste <= HASTE;
  }

  #end(reason: EndReason): void {
    this.#ended = reason;
    const before = this.#state;
    this.#go('revoked');
    // The table knows no 'revoked' while waiting or connecting: the next try will hear it again.
    if (this.#state === before && before === 'connecting') this.#fail('server');
  }

  #dropLink(): void {
    const link = this.#link;
    this.#link = undefined;
    link?.close();
  }

  #show(view: ConnectionView): void {
    this.#view = view;
    this.#events.view(view);
  }

  /** Cancelled when the state changes. */
  #timer(delayMs: number, callback: () => void): void {
    const cancel = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}
