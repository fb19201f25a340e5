import { describe, expect, it } from 'vitest';
import { DEFAULT_SERVER_URL, headlessHelp, OptionsError, parseHeadlessOptions } from './options.ts';

const parse = (args: string[], environment: Record<string, string> = {}) =>
  parseHeadlessOptions(args, environment, '/home/me');

describe("the headless host's options", () => {
  it('have defaults', () => {
    expect(parse([])).toEqual({
      data: '/home/me/.fastim/desktop',
      port: 0,
      suggestedServerUrl: DEFAULT_SERVER_URL,
      appDirectory: undefined,
      allowedOrigins: [],
      logLevel: 'warn',
    });
  });

  it('come from the command line', () => {
    const args = ['--data', 'x', '--port=8700', '--server', 'https://chat.example.org/', '--app-directory', '/app'];
    args.push('--allowed-origin', 'http://Chat.Home:8600/', '--allowed-origin', 'https://b', '--log-level', 'debug');
    expect(parse(args)).toEqual({
      data: '/home/me/x',
      port: 8700,
      suggestedServerUrl: 'https://chat.example.org',
      appDirectory: '/app',
      allowedOrigins: ['http://chat.home:8600', 'https://b'],
      logLevel: 'debug',
    });
  });

  it('come from variables, which the command line outranks', () => {
    const environment = {
      FASTIM_DESKTOP_PORT: '8701',
      FASTIM_DESKTOP_DATA: '/var/fastim',
      FASTIM_DESKTOP_SERVER: 'http://s:1',
      FASTIM_DESKTOP_APP_DIRECTORY: '/app',
      FASTIM_DESKTOP_ALLOWED_ORIGIN: 'http://a:1, http://b:2',
      FASTIM_DESKTOP_LOG_LEVEL: 'info',
      FASTIM_PORT: 'not ours',
    };
    expect(parse(['--port', '1'], environment)).toEqual({
      data: '/var/fastim',
      port: 1,
      suggestedServerUrl: 'http://s:1',
      appDirectory: '/app',
      allowedOrigins: ['http://a:1', 'http://b:2'],
      logLevel: 'info',
    });
  });

  it.each([
    [['--prot', '1'], {}, '--prot'],
    [['extra'], {}, 'extra'],
    [['--port', 'x'], {}, '--port: "x"'],
    [['--port', '65536'], {}, '--port: "65536"'],
    [['--port', '-1'], {}, '--port'],
    [['--data', ''], {}, '--data: ""'],
    [['--server', 'file:///etc'], {}, '--server: "file:///etc"'],
    [['--server', 'http://u:p@host'], {}, '--server'],
    [['--allowed-origin', 'http://a/path'], {}, 'http://a/path'],
    [['--allowed-origin', '*'], {}, '"*"'],
    [['--allowed-origin', ''], {}, '""'],
    [['--log-level', 'loud'], {}, '--log-level: "loud"'],
    [[], { FASTIM_DESKTOP_PORT: 'x' }, 'FASTIM_DESKTOP_PORT: "x"'],
    [[], { FASTIM_DESKTOP_PROT: '1' }, 'FASTIM_DESKTOP_PROT'],
  ])('%j %j is refused, and the message names it', (args, environment, named) => {
    expect(() => parse(args, environment as Record<string, string>)).toThrow(OptionsError);
    expect(() => parse(args, environment as Record<string, string>)).toThrow(named);
  });

  it('names all that is wrong at once', () => {
    expect(() => parse(['--port', 'x', '--server', 'y'])).toThrow(/--port.*--server/);
  });

  it('help lists every option and variable', () => {
    expect(parse(['--help'])).toBe('help');
    for (const name of ['--data', '--port', '--server', '--app-directory', '--allowed-origin', '--log-level']) {
      expect(headlessHelp()).toContain(name);
    }
    expect(headlessHelp()).toContain('FASTIM_DESKTOP_ALLOWED_ORIGIN');
  });
});
