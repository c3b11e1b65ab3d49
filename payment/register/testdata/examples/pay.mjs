// node pay.mjs 4.20 "receipt 1017", with npm's @adyen/api-library: takes a payment at a paired terminal.
import adyen from "@adyen/api-library";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const [amount, reference] = process.argv.slice(2);
const { TILL, TILL_POIID, TILL_PEM, TILL_KEY, TILL_PASSPHRASE } = process.env; // what `register pair` printed
const key = { KeyIdentifier: TILL_KEY, KeyVersion: 1, AdyenCryptoVersion: 1, Passphrase: TILL_PASSPHRASE };
// TILL is "https://192.168.1.20": the library adds ":8443/nexo/".
const client = new adyen.Client({ environment: "TEST", apiKey: "none", terminalApiLocalEndpoint: TILL });
client.config.certificatePath = TILL_PEM;
client.config.connectionTimeoutMillis = 120_000;
const terminal = new adyen.TerminalLocalAPI(client);
const newID = () => randomBytes(5).toString("hex"); // 10 characters, a new one for each message

async function send(category, id, body) {
    const header = { ProtocolVersion: "3.0", MessageClass: "Service", MessageType: "Request",
        MessageCategory: category, ServiceID: id, SaleID: "Counter 1", POIID: TILL_POIID };
    const answer = await terminal.request(
        { SaleToPOIRequest: { MessageHeader: header, [category + "Request"]: body } }, key);
    return answer.SaleToPOIResponse[category + "Response"];
}

// outcome asks how a payment went, until that is known. The payment itself is never sent again.
async function outcome(id) {
    for (let tries = 0; tries < 600; tries++) {
        await sleep(1000);
        try {
            const s = await send("TransactionStatus", newID(), { MessageReference: {
                MessageCategory: "Payment", SaleID: "Counter 1", ServiceID: id }, ReceiptReprintFlag: true });
            if (s.Response.Result === "Success") {
                return s.RepeatedMessageResponse.RepeatedResponseMessageBody.PaymentResponse;
            }
            if (!["InProgress", "UnavailableService"].includes(s.Response.ErrorCondition) && tries > 0) {
                return s; // NotFound: the terminal never got it, nothing was charged
            }
        } catch (e) {
            console.error(`no answer (${e.message}), asking again`);
        }
    }
    throw new Error(`the outcome of ${id} is not known: look at the terminal first`);
}

await send("Diagnosis", newID(), {}); // fails here if address, certificate or key is wrong
const id = newID();
let paid = await send("Payment", id, {
    SaleData: { SaleTransactionID: { TransactionID: reference, TimeStamp: new Date().toISOString() } },
    PaymentTransaction: { AmountsReq: { Currency: "EUR", RequestedAmount: Number(amount) } },
}).catch(() => null);
if (!paid || paid.Response.ErrorCondition === "InProgress") {
    paid = await outcome(id);
}
if (paid.Response.Result !== "Success") {
    const why = new URLSearchParams(paid.Response.AdditionalResponse).get("message");
    console.log(`not paid: ${paid.Response.ErrorCondition}, ${why}`);
    process.exit(3);
}
console.log(`paid ${paid.PaymentResult.AmountsResp.AuthorizedAmount} EUR,`,
    `transaction ${paid.POIData.POITransactionID.TransactionID}`); // to be kept: a Reversal names it
const receipt = paid.PaymentReceipt.find((r) => r.DocumentQualifier === "CustomerReceipt");
for (const line of receipt.OutputContent.OutputText) {
    const text = new URLSearchParams(line.Text);
    console.log([text.get("name"), text.get("value")].filter(Boolean).join(": "));
}
