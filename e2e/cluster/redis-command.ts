import { connect } from 'node:net';

const ANSWER_MS = 5_000;

/** One inline command to a Redis at a `redis://:password@host:port` address; resolves with the first line of the answer. */
export function redisCommand(url: string, command: string): Promise<string> {
  const { hostname, port, password } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let heard = '';
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(ANSWER_MS, () => fail(new Error(`Redis does not answer ${command}`)));
    socket.once('error', fail);
    socket.once('close', () => reject(new Error('Redis closed the connection')));
    socket.on('data', (chunk) => {
      heard += chunk.toString('utf8');
      const [login, answer, ...rest] = heard.split('\r\n');
      if (login !== '+OK') fail(new Error(`Redis refused the password: ${login}`));
      else if (answer !== undefined && rest.length > 0) {
        socket.destroy();
        resolve(answer);
      }
    });
    socket.write(`AUTH ${decodeURIComponent(password)}\r\n${command}\r\n`);
  });
}
