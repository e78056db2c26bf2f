// One subscription by the client graphql-ws, told as lines of JSON: opened, connected, next, closed, complete, error.
// The argument is JSON: { url, headers, connectionParams, query, variables, retryAttempts, resume }.
// `resume`: the path in `data` of the cursor to go on from; each reconnection names the last one as `$after`.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const options = JSON.parse(process.argv[2]);
const tell = (what, value = null) => console.log(JSON.stringify({ [what]: value }));

class WebSocketWithHeaders extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: options.headers ?? {} });
  }
}

const client = createClient({
  url: options.url,
  webSocketImpl: WebSocketWithHeaders,
  connectionParams: options.connectionParams,
  retryAttempts: options.retryAttempts ?? 5,
  // A server that is not there yet is an error of Node's, and not a close event; it will be there again.
  shouldRetry: () => true,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
  on: {
    opened: () => tell("opened"),
    connected: () => tell("connected"),
    closed: (event) => tell("closed", event.code),
  },
});

// The client sends this very object again when it reconnects.
const payload = { query: options.query, variables: options.variables ?? {} };
client.subscribe(payload, {
  next: (result) => {
    if (options.resume) {
      payload.variables.after = options.resume.reduce((value, name) => value[name], result.data);
    }
    tell("next", result);
  },
  complete: () => { tell("complete"); process.exit(0); },
  error: (error) => {
    tell("error", Array.isArray(error) ? error : { code: error.code ?? null, message: String(error.message ?? error.reason ?? "") });
    process.exit(1);
  },
});
