import { z } from 'zod';
import { MAX_RAW_PASSWORD_LENGTH } from '../auth/password-rules.ts';
import { MAX_RAW_NAME_LENGTH } from '../auth/username.ts';

const MAX_ID = 2n ** 63n - 1n;

/** A 64-bit id: decimal text, because JSON numbers lose digits. */
export const idText = z
  .string()
  .regex(/^[1-9]\d{0,18}$/, { message: 'must be a decimal id', abort: true })
  .refine((text) => BigInt(text) <= MAX_ID, 'must be a decimal id')
  .meta({ description: '64-bit id, decimal', example: '281474976710656001' });

export const timeMs = z.number().int().min(0).meta({ description: 'ms since the Unix epoch, on the server’s clock' });

/** Length only: what is allowed inside is for the account rules, which say it in words. */
export const usernameText = z.string().max(MAX_RAW_NAME_LENGTH).meta({ description: '2 to 32 characters' });
export const displayNameText = z.string().max(MAX_RAW_NAME_LENGTH).meta({ description: '1 to 64 characters' });
export const passwordText = z.string().max(MAX_RAW_PASSWORD_LENGTH).meta({ description: '8 to 256 characters' });

export const deviceIdText = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits')
  .meta({ description: 'made by the client once per installation' });

export const device = z.strictObject({
  deviceId: deviceIdText,
  name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{Cc}\p{Bidi_Control}]*$/u, 'must not have control characters'),
});

export const user = z.object({ userId: idText, username: z.string(), displayName: z.string() });

export const session = z.object({
  sessionId: idText,
  deviceId: deviceIdText,
  epoch: z.number().int().min(1).meta({ description: 'counts the sessions of this device' }),
  accessToken: z.string(),
  accessExpiresAt: timeMs,
  refreshToken: z.string(),
  refreshExpiresAt: timeMs,
});

export const loggedIn = z.object({ user, session });

export const errorBody = z.object({
  error: z.object({
    code: z.string().meta({ description: 'name in the error catalogue', example: 'NAME_TAKEN' }),
    number: z.number().int(),
    message: z.string().meta({ description: 'English, for developers and logs' }),
    retryAfterMs: z.number().int().min(0).meta({ description: '0: no advice' }),
    requestId: z.string(),
  }),
});

/** For the `response` of every route. */
export const errorResponses = { '4xx': errorBody, '5xx': errorBody } as const;
