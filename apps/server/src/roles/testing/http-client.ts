import { randomBytes } from 'node:crypto';

export interface TestPerson {
  userId: string;
  username: string;
  password: string;
  deviceId: string;
  accessToken: string;
  refreshToken: string;
  sessionId: string;
}

/** JSON answer of a server; the shape is for the test to look at. */
// biome-ignore lint/suspicious/noExplicitAny: tests read what they expect and fail if it is not there.
export type Answer = { status: number; headers: Headers; body: any };

/** Calls to the HTTP API of a running server. */
export class HttpClient {
  readonly #origin: string;

  /** `api` as in the ready line: http://host:port/v1 */
  constructor(api: string) {
    this.#origin = new URL(api).origin;
  }

  async call(method: string, path: string, options: { body?: unknown; token?: string } = {}): Promise<Answer> {
    const response = await fetch(this.#origin + path, {
      method,
      headers: {
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...(options.token && { authorization: `Bearer ${options.token}` }),
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
  }

  async register(username: string, password = 'correct horse battery'): Promise<TestPerson> {
    const deviceId = randomBytes(16).toString('hex');
    const body = { username, password, device: { deviceId, name: 'test' } };
    return person(await this.call('POST', '/v1/auth/register', { body }), 201, password);
  }

  async logIn(username: string, password: string, deviceId = randomBytes(16).toString('hex')): Promise<TestPerson> {
    const body = { username, password, device: { deviceId, name: 'test' } };
    return person(await this.call('POST', '/v1/auth/login', { body }), 200, password);
  }

  /** The TCP address of the gate that the server names. */
  async gate(token: string): Promise<{ host: string; port: number }> {
    const answer = await this.call('POST', '/v1/gates', { body: { clientVersion: 'test/1.0.0' }, token });
    if (answer.status !== 200) throw new Error(`no gate: ${JSON.stringify(answer.body)}`);
    return answer.body.gates[0].tcp;
  }
}

function person(answer: Answer, status: number, password: string): TestPerson {
  if (answer.status !== status) throw new Error(`refused: ${answer.status} ${JSON.stringify(answer.body)}`);
  const { user, session } = answer.body;
  return {
    userId: user.userId,
    username: user.username,
    password,
    deviceId: session.deviceId,
    accessToken: session.accessToken,
    refreshToken: session.refreshToken,
    sessionId: session.sessionId,
  };
}
