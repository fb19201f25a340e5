import type { Clock } from '@fastim/core';
import { type ErrorName, errorCatalogue, type UserProfile } from '@fastim/protocol';
import type { HttpRequest, HttpResponse } from '../ports.ts';

export interface FakeUser {
  userId: bigint;
  username: string;
  displayName: string;
  password: string;
  showOnline: boolean;
}

export interface FakeSession {
  sessionId: bigint;
  userId: bigint;
  deviceId: string;
  deviceName: string;
  epoch: number;
  accessToken: string;
  accessExpiresAt: number;
  refreshToken: string;
  /** The token before, and until when it still gets the successor. */
  spent: { token: string; graceUntil: number } | undefined;
  ended: boolean;
}

const REFRESH_GRACE_MS = 30_000;

/** Users, sessions with rotating tokens, and the HTTP requests about them. */
export class FakeAccounts {
  readonly users: FakeUser[] = [];
  readonly sessions: FakeSession[] = [];
  accessTokenMs = 15 * 60_000;
  readonly #clock: Clock;
  readonly #makeId: () => bigint;
  /** By Idempotency-Key. */
  readonly #answers = new Map<string, { body: string; answer: HttpResponse }>();

  constructor(clock: Clock, makeId: () => bigint) {
    this.#clock = clock;
    this.#makeId = makeId;
  }

  addUser(username: string, displayName: string, password: string): FakeUser {
    const user = { userId: this.#makeId(), username, displayName, password, showOnline: true };
    this.users.push(user);
    return user;
  }

  user(userId: bigint): FakeUser | undefined {
    return this.users.find((user) => user.userId === userId);
  }

  profileOf(userId: bigint): UserProfile {
    const user = this.user(userId);
    return { userId, username: user?.username ?? '', displayName: user?.displayName ?? '' };
  }

  /** The session of an access token that is good now, or why not. */
  sessionOf(accessToken: string | undefined): FakeSession | ErrorName {
    const session = this.sessions.find((candidate) => candidate.accessToken === accessToken);
    if (session?.ended) return 'SESSION_ENDED';
    return session && session.accessExpiresAt > this.#clock.now() ? session : 'UNAUTHENTICATED';
  }

  /** Undefined for requests that are not about entering. */
  http(path: string, request: HttpRequest): HttpResponse | undefined {
    const body = (request.body === undefined ? {} : JSON.parse(request.body)) as Record<string, unknown>;
    if (path === '/v1/auth/register') return this.#once(request, () => this.#register(body));
    if (path === '/v1/auth/login') return this.#logIn(body);
    if (path === '/v1/auth/refresh') return this.#refresh(body);
    return undefined;
  }

  /** Idempotency-Key: the same request brings the same answer. */
  #once({ headers, body = '' }: HttpRequest, handle: () => HttpResponse): HttpResponse {
    const key = headers['idempotency-key'];
    if (key === undefined) return handle();
    const known = this.#answers.get(key);
    if (known) return known.body === body ? known.answer : failed('ID_REUSED');
    const answer = handle();
    this.#answers.set(key, { body, answer });
    return answer;
  }

  #register(body: Record<string, unknown>): HttpResponse {
    const username = String(body.username);
    if (this.users.some((user) => user.username === username)) return failed('NAME_TAKEN');
    const user = this.addUser(username, String(body.displayName ?? username), String(body.password));
    return this.#newSession(user, body);
  }

  #logIn(body: Record<string, unknown>): HttpResponse {
    const user = this.users.find(({ username }) => username === body.username);
    if (!user || user.password !== body.password) return failed('INVALID_CREDENTIALS');
    return this.#newSession(user, body);
  }

  #newSession(user: FakeUser, body: Record<string, unknown>): HttpResponse {
    const { deviceId, name } = body.device as { deviceId: string; name?: string };
    const earlier = this.sessions.filter((session) => session.userId === user.userId && session.deviceId === deviceId);
    for (const session of earlier) session.ended = true;
    const session: FakeSession = {
      sessionId: this.#makeId(),
      userId: user.userId,
      deviceId,
      deviceName: name ?? '',
      epoch: earlier.length + 1,
      accessToken: '',
      accessExpiresAt: 0,
      refreshToken: '',
      spent: undefined,
      ended: false,
    };
    this.#renew(session);
    this.sessions.push(session);
    return ok({ user: userJson(user), session: sessionJson(session) });
  }

  #refresh(body: Record<string, unknown>): HttpResponse {
    const now = this.#clock.now();
    const token = body.refreshToken;
    const session = this.sessions.find(({ refreshToken, spent }) => refreshToken === token || spent?.token === token);
    if (!session) return failed('UNAUTHENTICATED');
    if (session.spent && session.spent.token === token && now > session.spent.graceUntil) session.ended = true;
    if (session.ended || session.deviceId !== body.deviceId) return failed('SESSION_ENDED');
    if (session.refreshToken === token) session.spent = { token: String(token), graceUntil: now + REFRESH_GRACE_MS };
    this.#renew(session);
    return ok({ session: sessionJson(session) });
  }

  #renew(session: FakeSession): void {
    session.accessToken = `access-${this.#makeId()}`;
    session.refreshToken = `refresh-${this.#makeId()}`;
    session.accessExpiresAt = this.#clock.now() + this.accessTokenMs;
  }
}

export function ok(value: unknown): HttpResponse {
  return { status: 200, body: JSON.stringify(value) };
}

export function failed(code: ErrorName, retryAfterMs = 0): HttpResponse {
  const { http, code: number, text } = errorCatalogue[code];
  return {
    status: http,
    body: JSON.stringify({ error: { code, number, message: text, retryAfterMs, requestId: '1' } }),
  };
}

export function userJson({ userId, username, displayName }: FakeUser) {
  return { userId: userId.toString(), username, displayName };
}

function sessionJson({ sessionId, deviceId, epoch, accessToken, accessExpiresAt, refreshToken }: FakeSession) {
  return {
    sessionId: sessionId.toString(),
    deviceId,
    epoch,
    accessToken,
    accessExpiresAt,
    refreshToken,
    refreshExpiresAt: accessExpiresAt + 30 * 24 * 3_600_000,
  };
}
