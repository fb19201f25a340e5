import { randomBytes } from 'node:crypto';
import { type Person, post } from '../bench/people.ts';

interface SessionAnswer {
  readonly user: { readonly userId: string };
  readonly session: { readonly sessionId: string; readonly accessToken: string };
}

export interface WirePerson extends Person {
  readonly sessionId: string;
}

interface GateAnswer {
  readonly gateId: string;
  readonly tcp: { readonly host: string; readonly port: number } | null;
  readonly ticket?: string;
}

/** A session of its own for a wire client, and a gate for it. */
export async function logInOnWire(url: string, username: string, password: string): Promise<WirePerson> {
  return entered(
    url,
    await post<SessionAnswer>(url, '/v1/auth/login', { body: { username, password, device: device() } }),
  );
}

export async function registerOnWire(url: string, username: string, password: string): Promise<WirePerson> {
  const body = { username, password, device: device() };
  return entered(url, await post<SessionAnswer>(url, '/v1/auth/register', { body }));
}

/** Where a client with this token is sent now. */
export async function askForGate(
  url: string,
  accessToken: string,
): Promise<Pick<Person, 'ticket' | 'tcp'> & { gateId: string }> {
  const answer = await post<{ gates: GateAnswer[]; ticket: string }>(url, '/v1/gates', {
    token: accessToken,
    body: { clientVersion: 'fastim-test/0.1.0' },
  });
  const gate = answer.gates.find(({ tcp }) => tcp);
  if (!gate?.tcp) throw new Error('no gate with TCP was offered');
  return { ticket: gate.ticket ?? answer.ticket, tcp: gate.tcp, gateId: gate.gateId };
}

async function entered(url: string, { user, session }: SessionAnswer): Promise<WirePerson> {
  const { ticket, tcp } = await askForGate(url, session.accessToken);
  return { userId: user.userId, sessionId: session.sessionId, accessToken: session.accessToken, ticket, tcp };
}

function device() {
  return { deviceId: randomBytes(16).toString('hex'), name: 'wire' };
}
