import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, requireRunnable } from '@fastim/server/load-config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Service {
  image?: string;
  restart?: string;
  healthcheck?: { test?: string[] };
  secrets?: string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  cap_drop?: string[];
}

interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, unknown>;
}

const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.image?.startsWith('fastim-server:'));

let secrets: string;
beforeAll(() => {
  secrets = mkdtempSync(join(tmpdir(), 'fastim-secrets-'));
  execFileSync('/bin/sh', [join(root, 'scripts/make-secrets.sh'), secrets]);
});
afterAll(() => rmSync(secrets, { recursive: true, force: true }));

/** As Compose and the container would have it: ${NAME:-default} filled in, secrets where the test made them. */
function environmentOf(service: Service): Record<string, string> {
  return Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [
      name,
      String(value)
        .replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
        .replace(/^\/run\/secrets/, secrets),
    ]),
  );
}

describe('docker-compose.yml', () => {
  it('has every role, with a configuration that the server accepts', () => {
    const roles = ours.map(([name, service]) => {
      const loaded = loadConfig([], environmentOf(service));
      if (loaded.action !== 'run') throw new Error(`${name} would not run`);
      expect(() => requireRunnable(loaded.config), name).not.toThrow();
      expect(loaded.config.cluster.nodeName).toBe(name);
      return loaded.config.role;
    });
    expect([...new Set(roles)].toSorted()).toEqual(['api', 'gate', 'logic', 'lsb']);
  });

  it('names a version of every image, and looks after the health of every service', () => {
    for (const [name, { image = '', healthcheck, restart }] of services) {
      expect(image, name).toMatch(/^[a-z0-9/-]+:\d[\w.-]*$/);
      expect(healthcheck?.test?.length ?? 0, name).toBeGreaterThan(1);
      expect(restart, name).toBe('unless-stopped');
    }
  });

  it('has secrets only as files, and gives each service those that it reads', () => {
    for (const [name, service] of services) {
      const text = JSON.stringify(service);
      const read = [...text.matchAll(/\/run\/secrets\/([\w-]+)/g)].map(([, secret]) => secret ?? '');
      expect([...new Set(read)].toSorted(), name).toEqual((service.secrets ?? []).toSorted());
      for (const variable of Object.keys(service.environment ?? {})) {
        expect(variable, name).not.toMatch(/(?:SECRET|PASSWORD|TOKEN|STORE_URL|REGISTRY_URL)$/);
      }
    }
    const used = new Set(services.flatMap(([, service]) => service.secrets ?? []));
    expect(Object.keys(compose.secrets).toSorted()).toEqual([...used].toSorted());
  });

  it('opens nothing but the ports of clients, each once, on loopback unless told otherwise', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    for (const port of ports) expect(port).toMatch(/^\$\{FASTIM_BIND:-127\.0\.0\.1\}:\d+:860[012]$/);
    expect(new Set(ports.map((port) => port.split(':').at(-2))).size).toBe(ports.length);
  });
});

describe('the secrets for it', () => {
  it('are all made, and a second run keeps them', () => {
    const names = Object.values(compose.secrets).map(({ file }) => file.replace('./secrets/', ''));
    expect(readdirSync(secrets).toSorted()).toEqual(names.toSorted());
    const before = names.map((name) => readFileSync(join(secrets, name), 'utf8'));
    expect(new Set(before).size).toBe(names.length);
    execFileSync('/bin/sh', [join(root, 'scripts/make-secrets.sh'), secrets]);
    expect(names.map((name) => readFileSync(join(secrets, name), 'utf8'))).toEqual(before);
    expect(statSync(secrets).mode & 0o077).toBe(0);
  });
});

describe('the systemd unit of docs/operate.md', () => {
  const text = readFileSync(join(root, 'docs/operate.md'), 'utf8');
  const unit = /```ini\n# \/etc\/systemd\/system\/fastim@\.service\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const settings = unit.split('\n').filter((line) => line.includes('='));
  const settingsOf = (name: string) =>
    settings.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));

  it('stops by SIGTERM with time to drain, comes back, reads certificates again', () => {
    expect(settingsOf('Restart')).toEqual(['always']);
    expect(settingsOf('ExecReload')[0]).toContain('HUP');
    expect(Number(settingsOf('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(60);
  });

  it('gives away what the server does not need', () => {
    const names = settings.map((line) => line.split('=', 1)[0]);
    for (const name of ['NoNewPrivileges', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'CapabilityBoundingSet']) {
      expect(names).toContain(name);
    }
  });

  it('is configured by what the server knows', () => {
    const file = join(secrets, 'systemd-secret');
    writeFileSync(file, 'x'.repeat(40));
    const example = /```sh\n# \/etc\/fastim\/gate-1\.env\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    const env = Object.fromEntries(
      example
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => {
          const [name = '', value = ''] = line.split(/=(.*)/, 2);
          return [name, name.endsWith('_FILE') && !name.includes('TLS') ? fileFor(name, file) : value];
        }),
    );
    const loaded = loadConfig([], env);
    expect(loaded).toMatchObject({ action: 'run', config: { role: 'gate' } });
    if (loaded.action === 'run') expect(() => requireRunnable(loaded.config)).not.toThrow();
  });

  function fileFor(name: string, secret: string): string {
    return name.startsWith('FASTIM_REGISTRY') ? join(secrets, 'registry-url') : secret;
  }
});
