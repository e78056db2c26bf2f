// GraphiQL on our page: our address, our session, our theme. Its editors' workers are files beside this one.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createClient } from "graphql-ws";
import { createRoot } from "react-dom/client";

import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./page.css";

// The build puts the workers' addresses here.
const WORKERS = { json: JSON_WORKER, graphql: GRAPHQL_WORKER, editor: EDITOR_WORKER };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url), { type: "module" }),
};

const place = document.getElementById("graphiql");
const socket = new URL("/graphql", location.href);
socket.protocol = socket.protocol.replace("http", "ws");
// The socket is opened by the first subscription.
const fetcher = createGraphiQLFetcher({ url: "/graphql", wsClient: createClient({ url: socket.href, lazy: true }) });

createRoot(place).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={document.getElementById("first-query").content.textContent.trim()}
    forcedTheme={place.dataset.theme || undefined}
    // An API key typed as a header is not kept in the browser.
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>
      <a className="graphiql-logo-link" href="/">
        KillReport
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
