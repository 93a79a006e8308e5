// Draws the reference from openapi.json and lets each call be tried. Every text is set as text,
// never as markup.
"use strict";

const make = (name, text, ...inside) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...inside);
  return element;
};

const base = location.pathname.replace(/\/docs\/?$/, "");

const found = (spec, schema) => {
  const name = schema && schema.$ref && schema.$ref.split("/").pop();
  return name ? spec.components.schemas[name] : schema || {};
};

const example = (spec, schema, depth = 0) => {
  const it = found(spec, schema);
  if (it.const !== undefined) return it.const;
  if (it.enum) return it.enum[0];
  if (it.anyOf) return example(spec, it.anyOf[0], depth);
  if (it.allOf) return Object.assign({}, ...it.allOf.map((part) => example(spec, part, depth)));
  if (it.type === "array") return depth > 4 ? [] : [example(spec, it.items, depth + 1)];
  if (it.type === "object" || it.properties) {
    const wanted = new Set(it.required || []);
    const fields = Object.entries(it.properties || {}).filter(([name]) => depth > 0 || wanted.has(name) || !it.required);
    return Object.fromEntries(fields.map(([name, held]) => [name, example(spec, held, depth + 1)]));
  }
  return { string: "", integer: 0, number: 0, boolean: false }[it.type] ?? null;
};

const fieldsOf = (spec, schema) => {
  const it = found(spec, schema);
  const rows = Object.entries(it.properties || {}).map(([name, held]) => {
    const inner = found(spec, held);
    const kinds = (inner.anyOf || [inner]).map((kind) => found(spec, kind).type || "object").join(" or ");
    const need = (it.required || []).includes(name) ? "required" : "optional";
    return make("tr", "", make("td", "", make("code", name)), make("td", kinds), make("td", need), make("td", held.description || ""));
  });
  return rows.length ? make("table", "", ...rows) : make("p", "No fields.");
};

const answersOf = (spec, responses) =>
  make("table", "", ...Object.entries(responses).map(([status, answer]) => make("tr", "", make("th", status), make("td", answer.description))));

const jsonOf = (holder) => holder && holder.content && holder.content["application/json"];

const ask = async (method, path, inputs, body, bearer) => {
  const query = new URLSearchParams();
  const headers = {};
  for (const [parameter, input] of inputs) {
    if (!input.value) continue;
    if (parameter.in === "query") query.set(parameter.name, input.value);
    else headers[parameter.name] = input.value;
  }
  const token = document.getElementById("token").value;
  if (bearer && token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const url = base + path + (query.size ? `?${query}` : "");
  const answer = await fetch(url, { method, headers, body: body ? body.value : undefined });
  const text = await answer.text();
  const named = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return `${answer.status}\n${named}\n\n${pretty(text)}`;
};

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const draw = (spec, method, path, operation) => {
  const inputs = (operation.parameters || []).map((parameter) => [parameter, make("input")]);
  const taken = jsonOf(operation.requestBody);
  const body = taken && make("textarea");
  if (body) body.value = JSON.stringify(example(spec, taken.schema), null, 2);
  const shown = make("pre");
  const send = make("button", "Send");
  send.addEventListener("click", async () => {
    shown.textContent = "…";
    try {
      shown.textContent = await ask(method.toUpperCase(), path, inputs, body, Boolean(operation.security));
    } catch (fault) {
      shown.textContent = String(fault);
    }
  });
  const details = make("details", "", make("summary", "", make("code", `${method.toUpperCase()} ${path}`), ` ${operation.summary}`));
  if (taken) details.append(make("h3", "Takes"), fieldsOf(spec, taken.schema));
  const good = Object.entries(operation.responses).find(([status, answer]) => status < 300 && jsonOf(answer));
  if (good) details.append(make("h3", "Gives"), fieldsOf(spec, jsonOf(good[1]).schema));
  details.append(make("h3", "Answers"), answersOf(spec, operation.responses), make("h3", "Try it"));
  for (const [parameter, input] of inputs) details.append(make("label", `${parameter.name}${parameter.required ? "" : " (optional)"}`, input));
  if (body) details.append(make("label", "Body", body));
  details.append(send, shown);
  return details;
};

const start = async () => {
  const spec = await (await fetch(`${base}/openapi.json`)).json();
  document.getElementById("about").textContent = `${spec.info.version}. ${spec.info.description}`;
  const topics = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const topic = operation.tags[0];
      if (!topics.has(topic)) topics.set(topic, make("section", "", make("h2", topic)));
      topics.get(topic).append(draw(spec, method, path, operation));
    }
  }
  document.getElementById("calls").replaceChildren(...topics.values());
};

start();
