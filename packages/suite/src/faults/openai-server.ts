import { checkChatRequest, chatDialect } from "./openai-chat.ts";
import { checkResponsesRequest, responsesDialect } from "./openai-responses.ts";
import {
  type Dialect,
  type FakeProvider,
  type FakeProviderOptions,
  type Refusal,
  startProvider,
} from "./provider-server.ts";
import type { RecordedRequest } from "./script.ts";

/**
 * A server on a free loopback port that speaks OpenAI's Chat Completions and Responses, streaming and not, and
 * `GET /v1/models`. It refuses what the API refuses, keeps every request verbatim, and fails as its script says.
 */
export async function startOpenAiServer(options: FakeProviderOptions): Promise<FakeProvider> {
  const chat: Dialect = { ...chatDialect, check: (request) => check(request, options, checkChatRequest) };
  const responses: Dialect = {
    ...responsesDialect,
    check: (request) => check(request, options, checkResponsesRequest),
  };
  const dialects = new Map([
    ["/v1/chat/completions", chat],
    ["/v1/responses", responses],
  ]);
  const models = { object: "list", data: [{ id: "fake-1", object: "model", owned_by: "assent-suite" }] };
  return await startProvider(options, (path) => dialects.get(path) ?? null, models, "x-request-id");
}

function check(
  request: RecordedRequest,
  options: FakeProviderOptions,
  checkBody: (body: unknown) => string | null,
): Refusal | null {
  if (request.headers.authorization !== `Bearer ${options.apiKey}`)
    return { status: 401, word: "invalid_api_key", message: "The key is missing or wrong." };
  if (!(request.headers["content-type"] ?? "").startsWith("application/json"))
    return { status: 400, word: "invalid_request_error", message: "The body is not sent as JSON." };
  const wrong = checkBody(request.body);
  return wrong === null ? null : { status: 400, word: "invalid_request_error", message: wrong };
}
