import type { Clock } from '@fastim/core';
import { FastimError, MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '@fastim/protocol';
import { isErrorName } from './errors.ts';
import type { OfferedGate } from './gate-candidates.ts';
import { HttpFailure, type HttpFault } from './http-failure.ts';
import type { EngineLimits } from './limits.ts';
import type { GateAddress, HttpPort, HttpRequest, HttpResponse } from './ports.ts';
import type { SessionTokens } from './store.ts';
import type { DeviceView, PrivacyView, ServerCheckStep, ServerCheckView, UserView } from './views.ts';

export interface GatesAnswer {
  /** In the order in which to try them. */
  readonly gates: readonly OfferedGate[];
  readonly delayMs: number;
}

export interface Device {
  readonly deviceId: string;
  readonly name: string;
}

/**
 * The HTTP API of one server. Answers are checked field by field; every call rejects with a FastimError: the server's
 * own reason, UNAVAILABLE when there is no (FastIM) answer.
 */
export class ServerApi {
  readonly serverUrl: string;
  readonly #http: HttpPort;
  readonly #clock: Clock;
  readonly #limits: EngineLimits;

  constructor(serverUrl: string, http: HttpPort, clock: Clock, limits: EngineLimits) {
    this.serverUrl = serverUrl;
    this.#http = http;
    this.#clock = clock;
    this.#limits = limits;
  }

  async check(): Promise<ServerCheckView> {
    try {
      return await this.#check();
    } catch (error) {
      if (error instanceof NotReached) return { ok: false, step: error.step, detail: error.message };
      if (error instanceof FastimError && error.reason === 'UPGRADE_REQUIRED') {
        return { ok: false, step: 'version', detail: error.message };
      }
      throw error;
    }
  }

  async #check(): Promise<ServerCheckView> {
    const before = this.#clock.now();
    const answer = await this.#call('GET', '/v1/server');
    const latencyMs = Math.max(0, this.#clock.now() - before);
    const protocol = object(answer.protocol);
    const min = number(protocol.min);
    const max = number(protocol.max);
    if (min > MAX_PROTOCOL_VERSION || max < MIN_PROTOCOL_VERSION) {
      throw new FastimError('UPGRADE_REQUIRED', `the server speaks versions ${min} to ${max}`);
    }
    const tls = answer.tls === true;
    return { ok: true, name: string(answer.name), version: string(answer.version), tls, latencyMs };
  }

  /** Safe to repeat with the same `key`: brings the same answer. */
  async register(
    params: { username: string; displayName: string; password: string; device: Device },
    key: string,
  ): Promise<{ user: UserView; session: SessionTokens }> {
    const { username, displayName, password, device } = params;
    const body = { username, ...(displayName !== '' && { displayName }), password, device };
    return loginAnswer(await this.#call('POST', '/v1/auth/register', body, { 'idempotency-key': key }));
  }

  async logIn(params: {
    username: string;
    password: string;
    device: Device;
  }): Promise<{ user: UserView; session: SessionTokens }> {
    return loginAnswer(await this.#call('POST', '/v1/auth/login', params));
  }

  async refresh(refreshToken: string, deviceId: string): Promise<SessionTokens> {
    return session((await this.#call('POST', '/v1/auth/refresh', { refreshToken, deviceId })).session);
  }

  async logOut(accessToken: string): Promise<void> {
    await this.#call('POST', '/v1/auth/logout', {}, bearer(accessToken));
  }

  async searchUsers(accessToken: string, query: string, limit: number): Promise<UserView[]> {
    const path = `/v1/users?query=${encodeURIComponent(query.toWellFormed())}&limit=${limit}`;
    return list((await this.#call('GET', path, undefined, bearer(accessToken))).users).map(user);
  }

  async openDirect(accessToken: string, userId: string): Promise<{ conversationId: string; peer: UserView }> {
    const answer = await this.#call('POST', '/v1/conversations/direct', { userId }, bearer(accessToken));
    return { conversationId: id(answer.conversationId), peer: user(answer.peer) };
  }

  async devices(accessToken: string): Promise<DeviceView[]> {
    const answer = await this.#call('GET', '/v1/sessions', undefined, bearer(accessToken));
    return list(answer.sessions).map((value) => {
      const fields = object(value);
      return {
        sessionId: id(fields.sessionId),
        deviceName: string(fields.deviceName),
        current: fields.current === true,
        online: fields.online === true,
        createdMs: number(fields.createdAt),
        lastSeenMs: number(fields.lastSeenAt),
      };
    });
  }

  async endSession(accessToken: string, sessionId: string): Promise<void> {
    await this.#call('DELETE', `/v1/sessions/${sessionId}`, undefined, bearer(accessToken));
  }

  async privacy(accessToken: string): Promise<PrivacyView> {
    return privacy(await this.#call('GET', '/v1/me', undefined, bearer(accessToken)));
  }

  async setPrivacy(accessToken: string, showOnline: boolean): Promise<PrivacyView> {
    return privacy(await this.#call('PATCH', '/v1/me', { showOnline }, bearer(accessToken)));
  }

  async gates(accessToken: string, clientVersion: string): Promise<GatesAnswer> {
    const answer = await this.#call('POST', '/v1/gates', { clientVersion }, bearer(accessToken));
    const gates = list(answer.gates).map((value) => {
      const gate = object(value);
      const addresses: GateAddress[] = [];
      if (gate.tcp !== null && gate.tcp !== undefined) {
        const tcp = object(gate.tcp);
        addresses.push({ kind: 'tcp', host: string(tcp.host), port: number(tcp.port) });
      }
      if (typeof gate.websocket === 'string') addresses.push({ kind: 'websocket', url: gate.websocket });
      // A server from before gates had tickets of their own gives one for all of them.
      return { addresses, ticket: string(gate.ticket ?? answer.ticket) };
    });
    const delayMs = answer.delayMs === undefined ? 0 : number(answer.delayMs);
    return { gates, delayMs };
  }

  async #call(
    method: HttpRequest['method'],
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, unknown>> {
    let response: HttpResponse;
    try {
      response = await this.#http.request({
        method,
        url: this.serverUrl + path,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        timeoutMs: this.#limits.httpTimeoutMs,
        maxBytes: this.#limits.httpMaxBytes,
      });
    } catch (error) {
      const step = error instanceof HttpFailure ? stepOf[error.fault] : 'address';
      const detail = error instanceof Error ? error.message : String(error);
      throw new NotReached(step, `the server cannot be reached: ${detail}`, error);
    }
    const parsed = parse(response.body);
    if (response.status >= 200 && response.status < 300) {
      if (response.status === 204) return {};
      return object(parsed);
    }
    throw answeredError(response.status, parsed);
  }
}

const stepOf: Readonly<Record<HttpFault, ServerCheckStep>> = {
  address: 'address',
  tls: 'tls',
  timeout: 'timeout',
  answer: 'not-fastim',
};

/** No answer of a FastIM server came, and how far it got. */
class NotReached extends FastimError {
  readonly step: ServerCheckStep;

  constructor(step: ServerCheckStep, message: string, cause?: unknown) {
    super('UNAVAILABLE', message, { cause });
    this.step = step;
  }
}

function answeredError(status: number, parsed: unknown): FastimError {
  if (isRecord(parsed) && isRecord(parsed.error)) {
    const { code, message, retryAfterMs } = parsed.error;
    if (isErrorName(code)) {
      return new FastimError(code, typeof message === 'string' ? message : undefined, {
        retryAfterMs: typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : 0,
      });
    }
    if (typeof code === 'string') return new FastimError(status >= 500 ? 'UNAVAILABLE' : 'INTERNAL', code);
  }
  // Something else answers there: a proxy, another web server.
  return new NotReached('not-fastim', `no FastIM server answers there (HTTP ${status})`);
}

function bearer(accessToken: string): { authorization: string } {
  return { authorization: `Bearer ${accessToken}` };
}

function loginAnswer(answer: Record<string, unknown>): { user: UserView; session: SessionTokens } {
  return { user: user(answer.user), session: session(answer.session) };
}

function session(value: unknown): SessionTokens {
  const fields = object(value);
  return {
    sessionId: id(fields.sessionId),
    epoch: number(fields.epoch),
    accessToken: string(fields.accessToken),
    accessExpiresAt: number(fields.accessExpiresAt),
    refreshToken: string(fields.refreshToken),
    refreshExpiresAt: number(fields.refreshExpiresAt),
  };
}

function user(value: unknown): UserView {
  const fields = object(value);
  return {
    userId: id(fields.userId),
    username: string(fields.username),
    displayName: string(fields.displayName),
  };
}

function privacy(answer: Record<string, unknown>): PrivacyView {
  if (typeof answer.showOnline !== 'boolean') throw notOurs();
  return { showOnline: answer.showOnline };
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw notOurs();
  return value;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw notOurs();
  return value;
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw notOurs();
  return value;
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw notOurs();
  return value;
}

function id(value: unknown): string {
  if (typeof value !== 'string' || !/^[1-9][0-9]{0,19}$/.test(value)) throw notOurs();
  return value;
}

function notOurs(): FastimError {
  return new NotReached('not-fastim', 'the answer is not that of a FastIM server');
}
