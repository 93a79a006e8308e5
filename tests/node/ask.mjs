// Calls methods as it is told: a line of JSON in, [method, request, metadata], and one out.
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [, , place, folder] = process.argv;
const files = ["identra/v1/identra.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"];
const definition = loader.loadSync(files, {
  includeDirs: [folder],
  keepCase: true,
  longs: Number,
  defaults: true,
  arrays: true,
});
const { identra } = grpc.loadPackageDefinition(definition);
const client = new identra.v1.IdentraService(place, grpc.credentials.createInsecure());
const decode = (kind, bytes) => definition[`google.rpc.${kind}`].deserialize(bytes);

function bare(said) {
  if (Array.isArray(said)) return said.map(bare);
  if (said === null || typeof said !== "object") return said;
  const there = Object.entries(said).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(there.map(([name, value]) => [name, bare(value)]));
}

function failed(error) {
  const [raw] = error.metadata.get("grpc-status-details-bin");
  const told = {};
  for (const { type_url, value } of raw ? decode("Status", raw).details : []) {
    const kind = type_url.split(".").at(-1);
    told[kind] = decode(kind, value);
  }
  return {
    code: error.code,
    reason: told.ErrorInfo?.reason ?? "",
    message: error.details,
    fields: (told.BadRequest?.field_violations ?? []).map((one) => [one.field, one.description]),
    waits: Boolean(told.RetryInfo),
    headers: texts(error.metadata),
  };
}

function texts(metadata) {
  const said = Object.entries(metadata.getMap());
  return Object.fromEntries(said.filter(([, value]) => typeof value === "string"));
}

for await (const line of createInterface({ input: process.stdin })) {
  const [method, request, said] = JSON.parse(line);
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(said)) metadata.set(name, value);
  const told = await new Promise((resolve) => {
    let headers = {};
    const call = client[method](request, metadata, { deadline: Date.now() + 30_000 }, (error, answer) =>
      resolve(error ? failed(error) : { code: 0, answer: bare(answer), headers }),
    );
    call.on("metadata", (first) => (headers = texts(first)));
  });
  console.log(JSON.stringify(told));
}
client.close();
