// Reads a terminal's events with libraries that are not ours: mqtt receives them, cloudevents validates them, jose
// checks the terminal's signature and signs nothing. AsyncAPI's parser reads the document of the topics, and ajv holds
// each message against it. Usage: node check.mjs BROKER COUNT ASYNCAPI.yaml < public-key.pem
// Prints "ready", then a line of JSON for each event; ends after COUNT of them, with 0 if all were as they must be.
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import canonicalizeModule from "canonicalize";
import { CloudEvent } from "cloudevents";
import { calculateJwkThumbprint, exportJWK, flattenedVerify, importSPKI } from "jose";
import mqtt from "mqtt";

const canonicalize = canonicalizeModule.default ?? canonicalizeModule;
const [broker, count] = [process.argv[2], Number(process.argv[3])];
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[4], "utf8"));
for (const d of diagnostics) {
  if (d.severity < 2) console.error(`asyncapi: ${d.path.join(".")}: ${d.message}`);
}
if (!document || diagnostics.some((d) => d.severity < 2)) process.exit(1);
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
const schemas = new Map(document.channels().all().map((c) =>
  [c.address().split("/").pop(), ajv.compile(c.messages().all()[0].payload().json())]));
const met = new Set();

// conforms holds a message against the document's schema for its channel.
function conforms(topic, text) {
  const channel = topic.split("/").pop(), valid = schemas.get(channel);
  if (!valid) throw new Error(`the document has no channel ${channel}`);
  if (!valid(JSON.parse(text))) throw new Error(ajv.errorsText(valid.errors));
  met.add(channel);
}

const key = await importSPKI(readFileSync(0, "utf8"), "EdDSA", { extractable: true });
const kid = await calculateJwkThumbprint(await exportJWK(key));

async function signed(e) {
  const content = { source: e.source, id: e.id, type: e.type, data: e.data };
  if (e.time) content.time = e.time;
  const [header, , signature] = e.signature.split(".");
  const payload = Buffer.from(canonicalize(content)).toString("base64url");
  const { protectedHeader } = await flattenedVerify({ protected: header, payload, signature }, key);
  if (protectedHeader.kid !== kid) throw new Error(`signed by key ${protectedHeader.kid}, not ${kid}`);
}

async function check(topic, text) {
  const raw = JSON.parse(text);
  const event = new CloudEvent(raw); // strict: throws where the specification is not kept
  if (!event.validate()) throw new Error("not valid");
  await signed(raw);
  for (const change of [(e) => (e.data.amount_minor += 1), (e) => (e.id += "x"), (e) => (e.type += "x"),
    (e) => (e.source += "x"), (e) => (e.time = "2001-01-01T00:00:00Z")]) {
    const forged = structuredClone(raw);
    change(forged);
    const held = await signed(forged).then(() => true, () => false);
    if (held) throw new Error("the signature holds for a changed event");
  }
  const [v, tenant, site, terminal, channel] = topic.split("/");
  if (v !== "v1" || channel !== "payment" || raw.source !== `smiletill:/${tenant}/${site}/${terminal}`) {
    throw new Error(`topic ${topic} for source ${raw.source}`);
  }
  // Whoever keeps the body can check the terminal's chain: hash = SHA-256(prev_hash || canonical body).
  const chained = raw.data.prev_hash && createHash("sha256")
    .update(Buffer.from(raw.data.prev_hash, "hex")).update(canonicalize(raw.data)).digest("hex") === raw.hash;
  return { id: raw.id, type: raw.type, seq: raw.seq, amount_minor: raw.data.amount_minor, chained: Boolean(chained) };
}

const client = await mqtt.connectAsync(broker, { protocolVersion: 4 });
let seen = 0;
let turn = Promise.resolve(); // one after the other, in the order of their arrival
client.on("message", (topic, payload) => {
  turn = turn.then(async () => {
    try {
      conforms(topic, payload.toString("utf8"));
      if (!topic.endsWith("/payment")) return;
      console.log(JSON.stringify(await check(topic, payload.toString("utf8"))));
    } catch (e) {
      console.error(`${topic}: ${e.message}\n${payload}`);
      process.exit(1);
    }
    if (++seen < count) return;
    if (met.size !== schemas.size) console.error(`met only ${[...met]}, of ${[...schemas.keys()]}`);
    process.exit(met.size === schemas.size ? 0 : 1);
  });
});
await client.subscribeAsync("v1/#", { qos: 1 });
console.log("ready");
setTimeout(() => { console.error("nothing comes any more"); process.exit(1); }, 60_000);
