import { randomBytes } from 'node:crypto';
import type { PreparedPerson } from './prepare-people.ts';

export interface Person {
  readonly userId: string;
  readonly accessToken: string;
  readonly ticket: string;
  readonly tcp: { readonly host: string; readonly port: number };
}

export interface Pair {
  readonly conversationId: bigint;
  readonly people: readonly [Person, Person];
}

/** Registrations cost a password hash each: as many at a time as keep the server busy, not more. */
const AT_A_TIME = 4;

/** Registers two people for each pair and opens their conversation, as an app does. */
export async function makePairs(url: string, pairs: number, progress: (done: number) => void): Promise<Pair[]> {
  const made: Pair[] = [];
  const run = randomBytes(4).toString('hex');
  let next = 0;
  const worker = async () => {
    while (next < pairs) {
      const index = next;
      next += 1;
      const [first, second] = [await register(url, `a${index}x${run}`), await register(url, `b${index}x${run}`)];
      const { conversationId } = await post<{ conversationId: string }>(url, '/v1/conversations/direct', {
        token: first.accessToken,
        body: { userId: second.userId },
      });
      made.push({ conversationId: BigInt(conversationId), people: [first, second] });
      progress(made.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, pairs) }, worker));
  return made;
}

async function register(url: string, username: string): Promise<Person> {
  const { user, session } = await post<{ user: { userId: string }; session: { accessToken: string } }>(
    url,
    '/v1/auth/register',
    {
      body: {
        username,
        password: `${randomBytes(12).toString('base64url')}!`,
        device: { deviceId: randomBytes(16).toString('hex'), name: 'bench' },
      },
    },
  );
  return { userId: user.userId, accessToken: session.accessToken, ...(await findGate(url, session.accessToken)) };
}

/** The same gate for all of them: there is one server. */
export async function withGate(url: string, people: readonly PreparedPerson[]): Promise<Person[]> {
  const { tcp } = await findGate(url, people[0]!.accessToken);
  // A ticket is for one person; one process lets people in without.
  return people.map(({ userId, accessToken }) => ({ userId: String(userId), accessToken, ticket: '', tcp }));
}

async function findGate(url: string, accessToken: string): Promise<Pick<Person, 'ticket' | 'tcp'>> {
  const { gates, ticket } = await post<{
    gates: Array<{ tcp: { host: string; port: number } | null; ticket?: string }>;
    ticket: string;
  }>(url, '/v1/gates', { token: accessToken, body: { clientVersion: 'fastim-bench/0.1.0' } });
  const gate = gates.find(({ tcp }) => tcp);
  if (!gate?.tcp) throw new Error('the server offers no TCP gate');
  return { ticket: gate.ticket ?? ticket, tcp: gate.tcp };
}

export async function post<T>(url: string, path: string, request: { token?: string; body: object }): Promise<T> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(request.token && { authorization: `Bearer ${request.token}` }),
    },
    body: JSON.stringify(request.body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
