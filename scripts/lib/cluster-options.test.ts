import { describe, expect, it } from 'vitest';
import { clusterHelp, parseClusterOptions } from './cluster-options.mjs';

describe('options of npm run cluster', () => {
  it('has the documented defaults', () => {
    expect(parseClusterOptions([])).toMatchObject({
      lsbs: 2,
      gates: 3,
      apis: 2,
      logics: 3,
      data: '.fastim-cluster',
      demo: false,
      app: true,
      help: false,
    });
  });

  it('takes how many of each', () => {
    const args = ['--lsb', '1', '--gates=5', '--api', '3', '--logic', '4', '--data', 'here', '--no-app', '--demo'];
    expect(parseClusterOptions(args)).toMatchObject({
      lsbs: 1,
      gates: 5,
      apis: 3,
      logics: 4,
      data: 'here',
      app: false,
      demo: true,
    });
  });

  it.each([
    [['--gate', '1'], /Unknown option '--gate'.*--gates/],
    [['--gates', '0'], /--gates: 0 is not a number from 1 to 20/],
    [['--logic', 'many'], /--logic: many/],
    [['--api', '21'], /--api: 21/],
    [['extra'], /argument 'extra'/],
  ])('names what is wrong in %j', (args, message) => {
    expect(() => parseClusterOptions(args)).toThrow(message);
  });

  it('is listed whole by --help', () => {
    for (const name of ['lsb', 'gates', 'api', 'logic', 'data', 'demo', 'no-app']) {
      expect(clusterHelp()).toContain(`--${name}`);
    }
  });
});
