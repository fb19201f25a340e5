import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findRedis } from './find-binaries.ts';
import { MemberProcess } from './member-process.ts';

export interface RedisOptions {
  readonly directory: string;
  readonly port: number;
  readonly password: string;
  readonly logFile: string;
}

const START_MS = 20_000;
const ANSWER_MS = 1_000;

export function redisUrl(options: Pick<RedisOptions, 'port' | 'password'>): string {
  return `redis://:${options.password}@127.0.0.1:${options.port}/0`;
}

/** A Redis of the cluster's own, on loopback, with a password; it keeps nothing over a restart. */
export async function startRedis(options: RedisOptions): Promise<MemberProcess> {
  const configFile = join(options.directory, 'redis.conf');
  const lines = [
    'bind 127.0.0.1',
    `port ${options.port}`,
    `requirepass ${options.password}`,
    'save ""',
    'appendonly no',
    'daemonize no',
    'logfile ""',
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  const member = await MemberProcess.start({
    command: findRedis(),
    args: [configFile],
    env: { PATH: process.env.PATH },
    directory: options.directory,
    logFile: options.logFile,
    orphaned: 'TERM',
  });
  try {
    await member.until(() => answersPing(options), START_MS);
  } catch (error) {
    await member.stop(5_000);
    throw error;
  }
  return member;
}

function answersPing({ port, password }: RedisOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.includes('+PONG')) end(true);
    });
    socket.write(`AUTH ${password}\r\nPING\r\n`);
  });
}
