/** One engine and store for each profile, made when the profile is first used. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isProfileName, PROFILE_RULE } from '../bridge/profile-name.ts';
import type { ClientApi } from '../engine/client-api.ts';

export interface EngineOptions {
  /** Of all profiles; the engine keeps each in a folder of its own. */
  directory: string;
  profile: string;
  logger: Logger;
  suggestedServerUrl: string;
  clientVersion: string;
}

export interface EnginePoolOptions {
  /** Profiles lie in `<data>/profiles/<name>`. */
  data: string;
  logger: Logger;
  suggestedServerUrl: string;
  clientVersion: string;
  createClient: (options: EngineOptions) => ClientApi;
}

export interface EnginePool {
  /**
   * The started engine of a profile; the same for every caller. Rejects with EngineRefused for a bad name or one
   * profile too many, and with the engine's own error if it cannot start; the next call tries again then.
   */
  client(profile: string): Promise<ClientApi>;
  /** Stops all engines and waits for what they have to write. Idempotent. */
  stop(): Promise<void>;
}

export class EngineRefused extends Error {
  override name = 'EngineRefused';
}

export const MAX_PROFILES = 32;

export function createEnginePool(options: EnginePoolOptions): EnginePool {
  const engines = new Map<string, Promise<ClientApi>>();
  let stopping: Promise<void> | undefined;

  const start = async (profile: string): Promise<ClientApi> => {
    const logger = options.logger.child({ profile });
    const client = options.createClient({
      directory: join(options.data, 'profiles'),
      profile,
      logger,
      suggestedServerUrl: options.suggestedServerUrl,
      clientVersion: options.clientVersion,
    });
    try {
      await client.start();
    } catch (error) {
      // What a failed start opened is closed, so that the next try finds the folder free.
      await client.stop().catch((err: unknown) => logger.error({ err }, 'the engine could not be stopped'));
      throw error;
    }
    return client;
  };

  const stopAll = async (): Promise<void> => {
    const stops = [...engines].map(async ([profile, engine]) => {
      const client = await engine.catch(() => undefined);
      await client?.stop().catch((err: unknown) => {
        options.logger.error({ err, profile }, 'an engine could not be stopped');
      });
    });
    await Promise.all(stops);
    engines.clear();
  };

  return {
    async client(profile) {
      if (stopping) throw new EngineRefused('the host is stopping');
      if (!isProfileName(profile)) throw new EngineRefused(PROFILE_RULE);
      const known = engines.get(profile);
      if (known) return known;
      if (engines.size >= MAX_PROFILES) throw new EngineRefused(`${MAX_PROFILES} profiles are in use already`);
      const engine = start(profile);
      engines.set(profile, engine);
      engine.catch(() => {
        if (engines.get(profile) === engine) engines.delete(profile);
      });
      return engine;
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}
