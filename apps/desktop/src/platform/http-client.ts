import { HttpFailure } from '../engine/http-failure.ts';
import type { HttpPort, HttpRequest, HttpResponse } from '../engine/ports.ts';
import { httpFaultOf } from './http-fault.ts';

/**
 * HTTP on Node's fetch. Redirects are refused: credentials go to the server that the user named and to no other.
 */
export const nodeHttp: HttpPort = {
  async request({ method, url, headers, body, timeoutMs, maxBytes }: HttpRequest): Promise<HttpResponse> {
    let response: Response | undefined;
    try {
      response = await fetch(url, {
        method,
        headers: { ...headers },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        ...(body !== undefined && { body }),
      });
      return { status: response.status, body: await readText(response, maxBytes) };
    } catch (error) {
      const fault = httpFaultOf(error);
      // Cut off in the middle: somebody is there.
      throw new HttpFailure(response && fault === 'address' ? 'answer' : fault, describe(error), { cause: error });
    }
  },
};

/** fetch keeps what happened in the cause. */
function describe(error: unknown): string {
  const { message, cause } = error as { message?: unknown; cause?: unknown };
  return cause instanceof Error && cause.message ? cause.message : String(message);
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > maxBytes) throw new Error(`the answer is over ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
