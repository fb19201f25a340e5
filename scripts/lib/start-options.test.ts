import { describe, expect, it } from 'vitest';
import { parseStartOptions, startHelp } from './start-options.mjs';

describe('options of npm start', () => {
  it('has the documented defaults', () => {
    expect(parseStartOptions([], {})).toEqual({
      data: undefined,
      host: '127.0.0.1',
      port: 8600,
      tcpPort: 8601,
      wsPort: 8602,
      metricsPort: 8603,
      open: true,
      demo: false,
      help: false,
    });
  });

  it('takes the command line over the environment', () => {
    const options = parseStartOptions(['--port', '9000', '--data=here', '--no-open'], {
      FASTIM_PORT: '9100',
      FASTIM_TCP_PORT: '9101',
    });
    expect(options).toMatchObject({ port: 9000, tcpPort: 9101, data: 'here', open: false });
  });

  it.each([
    [['--prot', '1'], {}, /Unknown option '--prot'/],
    [['extra'], {}, /argument 'extra'/],
    [['--port'], {}, /'--port <value>'/],
    [['--port', '--no-open'], {}, /'--port' argument is ambiguous/],
    [['--port', '70000'], {}, /--port: 70000 is not a port/],
    [['--port=-1'], {}, /--port: -1 is not a port/],
    [['--tcp-port', 'abc'], {}, /--tcp-port: abc is not a port/],
    [['--no-open=1'], {}, /'--no-open' does not take/],
    [[], { FASTIM_WS_PORT: '1e9' }, /--ws-port: 1e9 is not a port/],
    [[], { FASTIM_NO_OPEN: 'maybe' }, /FASTIM_NO_OPEN: maybe/],
    [['--demo', '--host', '0.0.0.0'], {}, /not a loopback address/],
  ])('names what is wrong in %j %j', (args, env, message) => {
    expect(() => parseStartOptions(args as string[], env as Record<string, string>)).toThrow(message as RegExp);
  });

  it('lists every option in the help', () => {
    for (const name of [
      '--data',
      '--port',
      '--tcp-port',
      '--ws-port',
      '--metrics-port',
      '--host',
      '--no-open',
      '--demo',
    ]) {
      expect(startHelp()).toContain(name);
    }
  });
});
