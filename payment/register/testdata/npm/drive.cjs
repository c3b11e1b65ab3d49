// Sends what it reads, one JSON line each, with npm's @adyen/api-library as registers do, and prints what the
// library made of the answer. Several may be under way at once.
//
// in:  {"n": 1, "url": "https://127.0.0.1:8443/nexo", "key": {...} or null, "pem": "file", "patience_ms": 30000,
//       "message": {"SaleToPOIRequest": {...}}}
// out: {"n": 1, "reply": {...}, "receipts": {...}} or {"n": 1, "error": "..."}
"use strict";
const { Client, TerminalLocalAPI } = require("@adyen/api-library");
const Unencrypted = require("@adyen/api-library/lib/src/services/terminalLocalAPIUnencrypted").default;
const readline = require("readline");

// receipt takes one apart as Odoo's pos_adyen does: each line is a query string.
function receipt(one) {
    return one.OutputContent.OutputText.reduce((text, entry) => {
        const line = new URLSearchParams(entry.Text);
        if (line.get("name") && !line.get("value")) {
            return text + "<br>" + line.get("name");
        }
        if (line.get("name") && line.get("value")) {
            return text + "<br>" + line.get("name") + ": " + line.get("value");
        }
        return text;
    }, "");
}

function receipts(reply) {
    const r = reply.SaleToPOIResponse || {};
    const again = ((r.TransactionStatusResponse || {}).RepeatedMessageResponse || {}).RepeatedResponseMessageBody || {};
    const body = r.PaymentResponse || r.ReversalResponse || again.PaymentResponse || again.ReversalResponse;
    if (!body) {
        return {};
    }
    const all = {};
    for (const kind of ["CashierReceipt", "CustomerReceipt"]) {
        const one = body.PaymentReceipt.find((r) => r.DocumentQualifier === kind);
        if (one) {
            all[kind] = receipt(one);
        }
    }
    return all;
}

async function send(q) {
    // The library puts ":8443/nexo/" behind the endpoint; behind a question mark it does no harm.
    const client = new Client({ environment: "TEST", apiKey: "none", terminalApiLocalEndpoint: q.url + "?x=" });
    client.config.connectionTimeoutMillis = q.patience_ms;
    if (!q.key) {
        return new Unencrypted(client).request(q.message);
    }
    client.config.certificatePath = q.pem;
    return new TerminalLocalAPI(client).request(q.message, q.key);
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
    const q = JSON.parse(line);
    let answer;
    try {
        const reply = await send(q);
        answer = { n: q.n, reply, receipts: receipts(reply) };
    } catch (e) {
        answer = { n: q.n, error: `${e.name}: ${e.message}` };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
});
process.stdout.write("ready\n");
