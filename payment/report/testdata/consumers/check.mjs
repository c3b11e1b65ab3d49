// Reads a terminal's events with libraries that are not ours: mqtt receives them, cloudevents validates them, jose
// checks the terminal's signature and signs nothing. Usage: node check.mjs BROKER COUNT < public-key.pem
// Prints "ready", then a line of JSON for each event; ends after COUNT of them, with 0 if all were as they must be.
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import canonicalizeModule from "canonicalize";
import { CloudEvent } from "cloudevents";
import { calculateJwkThumbprint, exportJWK, flattenedVerify, importSPKI } from "jose";
import mqtt from "mqtt";

const canonicalize = canonicalizeModule.default ?? canonicalizeModule;
const [broker, count] = [process.argv[2], Number(process.argv[3])];
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
      console.log(JSON.stringify(await check(topic, payload.toString("utf8"))));
    } catch (e) {
      console.error(`${topic}: ${e.message}\n${payload}`);
      process.exit(1);
    }
    if (++seen === count) process.exit(0);
  });
});
await client.subscribeAsync("v1/+/+/+/payment", { qos: 1 });
console.log("ready");
setTimeout(() => { console.error("nothing comes any more"); process.exit(1); }, 60_000);
