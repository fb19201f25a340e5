import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readAdminToken } from './admin-token.ts';
import { type AdminWords, helpText, readWords, WrongWords } from './command-words.ts';

export interface AdminOutput {
  out(line: string): void;
  complain(line: string): void;
}

const DONE = 0;
const FAILED = 1;
const USAGE = 2;
const ANSWER_MS = 30_000;

/** The operator's command. Resolves with the exit code; the last line on standard output is JSON, whatever happens. */
export async function runAdmin(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: AdminOutput,
): Promise<number> {
  const fail = (exitCode: number, code: string, message: string): number => {
    output.complain(`fastim: ${message}`);
    output.out(JSON.stringify({ error: { code, message } }));
    return exitCode;
  };
  let words: AdminWords | 'help';
  let token: string | undefined;
  try {
    words = readWords(argv, env, (path) => readFileSync(path, 'utf8'));
    if (words === 'help') {
      output.out(`${helpText}\n${JSON.stringify({ help: true })}`);
      return DONE;
    }
    token = words.token ?? readAdminToken(resolve(words.data));
  } catch (error) {
    if (error instanceof WrongWords) return fail(USAGE, 'WRONG_WORDS', error.message);
    return fail(FAILED, 'NO_TOKEN', `the token cannot be read: ${(error as Error).message}`);
  }
  if (token === undefined) {
    return fail(
      FAILED,
      'NO_TOKEN',
      `no token: set FASTIM_ADMIN_TOKEN or FASTIM_CLUSTER_SECRET, or --data (see --help)`,
    );
  }
  const { at, request } = words;
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${at}${request.path}`, {
      method: request.method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    text = await response.text();
  } catch (error) {
    const { cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : (error as Error).message;
    return fail(FAILED, 'UNREACHABLE', `${at} cannot be reached: ${reason}`);
  }
  const answer = parse(text);
  if (!response.ok || answer === undefined) {
    const { code = `HTTP_${response.status}`, message = `${at} answered ${response.status}` } = errorIn(answer);
    return fail(FAILED, code, message);
  }
  output.out(JSON.stringify(answer));
  return DONE;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorIn(answer: unknown): { code?: string; message?: string } {
  const error = (answer as { error?: { code?: unknown; message?: unknown } } | undefined)?.error;
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') return {};
  return { code: error.code, message: error.message };
}
