import { checkMessagesRequest, messagesDialect } from "./anthropic-messages.ts";
import {
  type Dialect,
  type FakeProvider,
  type FakeProviderOptions,
  type Refusal,
  startProvider,
} from "./provider-server.ts";
import type { RecordedRequest } from "./script.ts";

/**
 * A server on a free loopback port that speaks Anthropic's Messages, streaming and not, and `GET /v1/models`. It
 * refuses what the API refuses, keeps every request verbatim, and fails as its script says.
 */
export async function startAnthropicServer(options: FakeProviderOptions): Promise<FakeProvider> {
  const messages: Dialect = { ...messagesDialect, check: (request) => check(request, options) };
  const models = { data: [{ id: "fake-1", type: "model", display_name: "Fake" }], has_more: false };
  const route = (path: string): Dialect | null => (path === "/v1/messages" ? messages : null);
  return await startProvider(options, route, models, "request-id");
}

const refuse = (message: string): Refusal => ({ status: 400, word: "invalid_request_error", message });

function check(request: RecordedRequest, options: FakeProviderOptions): Refusal | null {
  const { headers } = request;
  if (headers["x-api-key"] !== options.apiKey)
    return { status: 401, word: "authentication_error", message: "The key is missing or wrong." };
  if (headers["anthropic-version"] !== "2023-06-01") return refuse("There is no known anthropic-version.");
  if (!(headers["content-type"] ?? "").startsWith("application/json"))
    return refuse("The body is not sent as JSON.");
  const wrong = checkMessagesRequest(request.body);
  return wrong === null ? null : refuse(wrong);
}
