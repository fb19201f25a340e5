import type { HttpPort, HttpRequest, HttpResponse } from '../engine/ports.ts';

/**
 * HTTP on Node's fetch. Redirects are refused: credentials go to the server that the user named and to no other.
 */
export const nodeHttp: HttpPort = {
  async request({ method, url, headers, body, timeoutMs, maxBytes }: HttpRequest): Promise<HttpResponse> {
    const response = await fetch(url, {
      method,
      headers: { ...headers },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body !== undefined && { body }),
    });
    return { status: response.status, body: await readText(response, maxBytes) };
  },
};

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
