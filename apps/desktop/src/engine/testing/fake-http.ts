import { CloseCode } from '@fastim/protocol';
import type { HttpRequest, HttpResponse } from '../ports.ts';
import { type FakeSession, failed, ok, userJson } from './fake-accounts.ts';
import type { FakeState } from './fake-state.ts';

/** The HTTP API of the server in memory. `entry`: what POST /v1/gates hands out. */
export function answerHttp(
  state: FakeState,
  request: HttpRequest,
  entry: { readonly gates: unknown[]; readonly delayMs: number },
): HttpResponse {
  const path = request.url.replace(/^https?:\/\/[^/]+/, '');
  const { accounts } = state;
  if (path === '/v1/server') {
    return ok({ name: 'Fake', version: '1.0.0', protocol: { min: 1, max: 1 }, tls: false, serverTimeMs: 0 });
  }
  const entering = accounts.http(path, request);
  if (entering) return entering;
  const session = accounts.sessionOf(request.headers.authorization?.replace('Bearer ', ''));
  if (typeof session === 'string') return failed(session);
  const body = (request.body === undefined ? {} : JSON.parse(request.body)) as Record<string, unknown>;
  if (path === '/v1/auth/logout') {
    session.ended = true;
    return { status: 204, body: '' };
  }
  if (path.startsWith('/v1/sessions')) return sessions(state, request.method, path, session);
  if (path === '/v1/me') {
    const user = accounts.user(session.userId)!;
    if (request.method === 'PATCH') user.showOnline = body.showOnline === true;
    return ok({ user: userJson(user), showOnline: user.showOnline });
  }
  if (path.startsWith('/v1/users')) {
    const query = decodeURIComponent(/query=([^&]*)/.exec(path)?.[1] ?? '');
    return ok({ users: accounts.users.filter(({ username }) => username.includes(query)).map(userJson) });
  }
  if (path === '/v1/conversations/direct') {
    const peer = accounts.users.find(({ userId }) => userId.toString() === body.userId);
    if (!peer) return failed('NOT_FOUND');
    const conversationId = state.openDirect(session.userId, peer.userId).conversationId.toString();
    return ok({ conversationId, created: true, peer: userJson(peer) });
  }
  if (path === '/v1/gates') {
    return ok({ gates: entry.gates, ticket: 'ticket', ticketExpiresAt: 0, delayMs: entry.delayMs });
  }
  return failed('NOT_FOUND');
}

function sessions(state: FakeState, method: string, path: string, mine: FakeSession): HttpResponse {
  const live = state.accounts.sessions.filter(({ userId, ended }) => userId === mine.userId && !ended);
  if (method === 'GET') {
    const connected = new Set([...state.connections].map(({ session }) => session));
    return ok({
      sessions: live.map((session) => ({
        sessionId: session.sessionId.toString(),
        deviceId: session.deviceId,
        deviceName: session.deviceName,
        current: session === mine,
        online: connected.has(session),
        createdAt: 0,
        lastSeenAt: 0,
      })),
    });
  }
  const ending = live.find(({ sessionId }) => path === `/v1/sessions/${sessionId}`);
  if (!ending) return failed('NOT_FOUND');
  ending.ended = true;
  for (const { end, session } of [...state.connections]) if (session === ending) end.close(CloseCode.loggedOut);
  return { status: 204, body: '' };
}
