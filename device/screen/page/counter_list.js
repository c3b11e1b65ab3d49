// The last payments, and giving them back. A reversal has its id before the clerk confirms it, and keeps it until the
// terminal has said what became of it: it is never given back twice.
"use strict";

const book = find(".book"), sheet = find("dialog");
let listed = ""; // what the list shows, to leave it alone when nothing has changed
let back = null; // what is being given back: {id, payment, paid, left, currency, amount, asked}
let part = ""; // digits typed for a part
let backStep = ""; // choose, part, why, sure, sending, done or failed
const reasons = ["goods_returned", "wrong_amount", "charged_twice", "other_reason"];
let reading = false;

async function readBook() {
  if (reading || root.dataset.view !== "open") return;
  reading = true;
  const text = sought(), a = await ask("GET", text ? "/counter/search?" + new URLSearchParams({ text }) : "/counter/payments");
  reading = false;
  if (root.dataset.view !== "open") return;
  if (text !== sought()) return readBook(); // something else was typed meanwhile
  if (a.status === 200) drawBook(a.data.payments, text ? foundWords(a.data) : "");
  else if (a.status === 409) drawBook([], [word("list_failed"), ...Object.values(refusal(a.data))].join(" "));
}

function clearBook() {
  listed = "";
  find(".search input").value = "";
  find("ul", book).replaceChildren();
  setText(find(".empty", book), "");
}

function drawBook(payments, trouble = "") {
  const now = JSON.stringify([payments.map((p) => ({ ...p, left_ms: 0 })), trouble, new Date().toDateString()]);
  if (now === listed) return;
  listed = now;
  const held = document.activeElement?.closest(".book button")?.dataset;
  setText(find(".empty", book), trouble || (payments.length ? "" : word("empty")));
  find("ul", book).replaceChildren(...payments.map(row));
  for (const [name, id] of Object.entries(held ?? {})) find(`.book button[data-${name}="${CSS.escape(id)}"]`)?.focus();
}

function el(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text) node.textContent = text;
  return node;
}

function when(p) {
  const at = new Date(p.at), today = at.toDateString() === new Date().toDateString();
  const text = new Intl.DateTimeFormat(root.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    ...(!today && { day: "numeric", month: "numeric" }) }).format(at);
  const node = el("p", "when", p.at_unsure ? text + " ?" : text);
  if (p.at_unsure) node.title = word("clock");
  return node;
}

function row(p) {
  const li = el("li"), how = el("div", "how"), paid = el("p", "paid"), more = el("p", "more");
  const sum = el("span", "amount");
  showMoney(sum, p.amount, p.currency);
  paid.append(sum, el("span", "state " + (p.ended ? p.state : "open"), p.ended ? words["state." + p.state] : word("open")));
  if (p.returned) more.append(el("span", "back", word("returned", spoken(p.returned, p.currency))));
  if (p.ended && p.reason) more.append(el("span", "", word("why." + p.reason)));
  if (p.report) more.append(el("span", "", word("report." + p.report)));
  if (!p.id.startsWith("counter-")) more.append(el("span", "", p.reference || p.id));
  how.append(paid, more);
  const acts = el("div", "acts");
  const act = (text, name, data, go) => {
    const b = el("button", name, text);
    b.type = "button";
    b.dataset[data] = p.id;
    b.addEventListener("click", go);
    acts.append(b);
    return b;
  };
  if (p.left) act(word("give"), "", "id", () => openBack(p)).setAttribute("aria-label", word("give") + ": " + spoken(p.amount, p.currency));
  if (p.state === "approved") {
    const b = act("", "slip", "slip", () => openReceipt(p.id));
    b.append(find("#slip").content.cloneNode(true));
    b.setAttribute("aria-label", word("receipt_of", spoken(p.amount, p.currency)));
  }
  li.append(when(p), how, acts);
  return li;
}

// Giving back.

const decimalsOf = (decimalText) => (decimalText.split(".")[1] ?? "").length;
const digitsOf = (decimalText) => BigInt(decimalText.replace(".", ""));
const partAmount = () => decimal(part, decimalsOf(back.paid));

function openBack(p) {
  if (back?.asked) return drawBack("sure"); // first that one's outcome
  back = { id: "", payment: p.id, paid: p.amount, left: p.left, currency: p.currency, amount: "", asked: false };
  part = "";
  drawBack("choose");
}

// resumeBack comes back to a reversal whose outcome this page was never told.
function resumeBack() {
  readBook();
  const was = recall("counter.back");
  if (!was.asked) return;
  back = was;
  drawBack("sure");
}

// takeReversal comes back to one whose outcome no page has heard: the browser that asked for it has died.
function takeReversal(r) {
  if (!r || back || confirmed.has(r.id)) return;
  back = { ...r, paid: r.amount, left: r.amount, asked: true };
  keep("counter.back", back);
  drawBack("sure");
}

function closeBack() {
  if (sheet.open) sheet.close();
  if (sheet.contains(document.activeElement)) document.activeElement.blur();
  backStep = "";
}

function leaveBack() {
  if (backStep === "sending") return;
  if (!back?.asked) back = null; // else only the terminal's word ends it
  closeBack();
  readBook();
}

// whyOf takes an amount to the question why, sureOf the reason to the last one. The same amount and reason keep their id.
function whyOf(sum) {
  if (back.amount !== sum) Object.assign(back, { amount: sum, id: newID() });
  drawBack("why");
}

function sureOf(reason) {
  if (back.reason !== reason) Object.assign(back, { reason, id: newID() });
  drawBack("sure");
}

async function give() {
  if (backStep !== "sure") return;
  back.asked = true;
  keep("counter.back", back); // before it is sent
  drawBack("sending");
  const mine = back;
  const send = () => ask("POST", "/counter/reverse", { id: mine.id, payment: mine.payment, amount: mine.amount, reason: mine.reason ?? "" });
  let a = await send();
  for (let n = 0; n < 5 && !settled(a) && a.status !== 401 && root.dataset.view === "open"; n++) {
    await new Promise((r) => setTimeout(r, 1000));
    if (back !== mine) return;
    a = await send();
  }
  if (settled(a)) {
    mine.asked = false;
    keep("counter.back", {});
    confirmed.set(mine.id, false);
    tellConfirmed();
    readBook();
  }
  if (back !== mine || root.dataset.view !== "open") return; // the page was locked: it comes back with it
  if (a.status === 200) drawBack("done");
  else if (settled(a)) drawBack("failed", refusal(a.data));
  else drawBack("sure", a.data);
}

function choice(text, act, name = "") {
  const b = el("button", name, text);
  b.type = "button";
  b.addEventListener("click", act);
  return b;
}

function drawBack(step, said) {
  backStep = step;
  const say = (sum) => spoken(sum, back.currency);
  const close = choice(word("close"), leaveBack);
  const faces = {
    choose: () => [word("give"), [word("give_paid", say(back.paid)), back.left === back.paid ? "" : word("give_left", say(back.left))].join(". "), "",
      [choice(word("give_all", say(back.left)), () => whyOf(back.left)), choice(word("give_part"), () => drawBack("part")), close]],
    part: () => [word("give_part"), word("give_most", say(back.left)), partAmount(),
      [choice(word("give_next"), takePart, "go"), choice(word("back"), () => drawBack("choose"))]],
    why: () => [word("give_why"), "", back.amount, [...reasons.map((r) => choice(word("reason." + r), () => sureOf(r))), choice(word("back"), () => drawBack("choose"))]],
    sure: () => [word("give_sure", say(back.amount)), back.asked ? [word("give_open"), said?.what, said?.do].filter(Boolean).join(" ")
      : word("reason." + back.reason) + ". " + word("give_sure_help"), "",
      [choice(back.asked ? word("give_again") : word("give_yes", say(back.amount)), give, "yes"),
        choice(word(back.asked ? "later" : "no"), leaveBack)]],
    sending: () => [word("give_sending"), "", back.amount, []],
    done: () => [word("give_done", say(back.amount)), "", "", [close]],
    failed: () => [word("give_failed"), [said.what, said.do].filter(Boolean).map((t) => t.replace(/\.$/, "")).join(". "), "", [close]],
  };
  const [title, help, sum, buttons] = faces[step]();
  sheet.className = step;
  setText(find("h1", sheet), title);
  setText(find(".help", sheet), help);
  showMoney(find(".amount", sheet), sum, back.currency);
  find(".amount", sheet).hidden = !sum;
  find(".keys", sheet).hidden = step !== "part";
  find(".col", sheet).replaceChildren(...buttons);
  if (step === "part") drawPart();
  if (!sheet.open) sheet.showModal();
  find("h1", sheet).focus(); // on no button: an Enter that is held would press it
}

function drawPart() {
  showMoney(find(".amount", sheet), partAmount(), back.currency);
  find(".go", sheet).disabled = !fits();
}

const fits = () => part !== "" && BigInt(part) <= digitsOf(back.left);

function takePart() {
  if (fits()) whyOf(partAmount());
}

function partKey(key) {
  part = shift(part, key);
  drawPart();
}

// backKey takes a real key while the sheet is open; true if it has.
function backKey(name, e) {
  if (!sheet.open) return false;
  if (name === "ok" && (backStep === "done" || backStep === "failed")) leaveBack();
  else if (backStep === "part" && e.key !== "Escape") {
    if (name === "ok") takePart();
    else partKey(name);
    e.preventDefault();
  }
  return true;
}

sheet.addEventListener("cancel", (e) => {
  e.preventDefault();
  leaveBack();
});
// A browser may close it without asking, at a second press of Escape.
sheet.addEventListener("close", () => {
  if (sheet.open || !backStep) return;
  leaveBack();
  if (backStep) sheet.showModal();
});
keepFocus(find("ul", book));
keys(find(".keys", sheet), sumKeys, partKey);
find(".keys", sheet).classList.add("sums");
setInterval(() => { if (!sought()) readBook(); }, 5000); // a search is done when it is asked for
drawPIN();
document.addEventListener("DOMContentLoaded", () => tick()); // when the scripts after this one are there too
