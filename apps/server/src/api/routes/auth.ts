import { z } from 'zod';
import type { AccountService } from '../../auth/account-service.ts';
import type { Device, SessionService } from '../../auth/session-service.ts';
import { type Api, sessionAnswer, userAnswer } from '../api-types.ts';
import type { Bearer } from '../bearer.ts';
import { idempotencyHeaders } from '../idempotency.ts';
import {
  device,
  deviceIdText,
  displayNameText,
  errorResponses,
  loggedIn,
  passwordText,
  session,
  usernameText,
} from '../schemas.ts';

export interface AuthRouteOptions {
  accounts: AccountService;
  sessions: SessionService;
  bearer: Bearer;
}

export function addAuthRoutes(api: Api, { accounts, sessions, bearer }: AuthRouteOptions): void {
  api.post(
    '/v1/auth/register',
    {
      // Not the address: answers get lost just when it changes.
      config: { idempotencyScope: ({ body }) => `device ${(body as { device: Device }).device.deviceId}` },
      schema: {
        tags: ['auth'],
        summary: 'Make an account and log in',
        headers: idempotencyHeaders,
        body: z.strictObject({
          username: usernameText,
          displayName: displayNameText.optional(),
          password: passwordText,
          device,
        }),
        response: { 201: loggedIn, ...errorResponses },
      },
    },
    async (request, reply) => {
      const { username, displayName, password, device } = request.body;
      const result = await accounts.register({ username, displayName, password, device }, request.ip);
      return reply.code(201).send({ user: userAnswer(result.user), session: sessionAnswer(result.session) });
    },
  );

  api.post(
    '/v1/auth/login',
    {
      schema: {
        tags: ['auth'],
        summary: 'Log in; ends the earlier session of the same device',
        body: z.strictObject({ username: usernameText, password: passwordText, device }),
        response: { 200: loggedIn, ...errorResponses },
      },
    },
    async (request) => {
      const result = await accounts.logIn(request.body, request.ip);
      return { user: userAnswer(result.user), session: sessionAnswer(result.session) };
    },
  );

  api.post(
    '/v1/auth/refresh',
    {
      schema: {
        tags: ['auth'],
        summary: 'New tokens for a refresh token, which is spent by it; a spent one that comes back ends the session',
        body: z.strictObject({ refreshToken: z.string().max(200), deviceId: deviceIdText }),
        response: { 200: z.object({ session }), ...errorResponses },
      },
    },
    async (request) => ({
      session: sessionAnswer(await sessions.refresh(request.body.refreshToken, request.body.deviceId)),
    }),
  );

  api.post(
    '/v1/auth/logout',
    {
      onRequest: bearer.required,
      schema: {
        tags: ['auth'],
        summary: 'End this session and its connections at once',
        security: [{ bearer: [] }],
        response: { 204: z.undefined(), ...errorResponses },
      },
    },
    async (request, reply) => {
      await sessions.end(bearer.identityOf(request).sessionId);
      return reply.code(204).send();
    },
  );
}
