// A small explorer for the GraphQL API: runs a query, shows the schema. Nothing from any other host.
"use strict";

const query = document.getElementById("query");
const variables = document.getElementById("variables");
const answer = document.getElementById("answer");
const schemaBox = document.getElementById("schema");

const INTROSPECTION = `{ __schema { types {
  kind name description
  fields { name description type { ...T } args { name type { ...T } } }
  inputFields { name description type { ...T } }
  enumValues { name }
} } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

async function ask(body) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

async function run() {
  answer.textContent = "…";
  try {
    const body = { query: query.value, variables: JSON.parse(variables.value || "{}") };
    answer.textContent = JSON.stringify(await ask(body), null, 2);
  } catch (error) {
    answer.textContent = String(error);
  }
}

function typeName(type) {
  if (type.kind === "NON_NULL") { return `${typeName(type.ofType)}!`; }
  if (type.kind === "LIST") { return `[${typeName(type.ofType)}]`; }
  return type.name;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function describe(type) {
  const details = document.createElement("details");
  details.append(element("summary", `${type.name} (${type.kind.toLowerCase().replace("_", " ")})`));
  if (type.description) { details.append(element("p", type.description)); }
  const list = document.createElement("dl");
  for (const field of [...(type.fields ?? []), ...(type.inputFields ?? [])]) {
    const args = (field.args ?? []).map((arg) => `${arg.name}: ${typeName(arg.type)}`).join(", ");
    list.append(element("dt", `${field.name}${args ? `(${args})` : ""}: ${typeName(field.type)}`));
    if (field.description) { list.append(element("dd", field.description)); }
  }
  for (const value of type.enumValues ?? []) { list.append(element("dt", value.name)); }
  details.append(list);
  return details;
}

/** Introspection that is switched off is refused by validation; anything else, such as a limit, speaks for itself. */
function withoutSchema(error) {
  return error.extensions.code === "GRAPHQL_VALIDATION_FAILED" ? "The schema is not public on this site." : error.message;
}

document.getElementById("run").addEventListener("click", run);
document.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.ctrlKey) { run(); } });
ask({ query: INTROSPECTION }).then((result) => {
  if (!result.data) { schemaBox.textContent = withoutSchema(result.errors[0]); return; }
  const types = result.data.__schema.types.filter((type) => !type.name.startsWith("__"));
  schemaBox.replaceChildren(...types.map(describe));
}, (error) => { schemaBox.textContent = String(error); });
