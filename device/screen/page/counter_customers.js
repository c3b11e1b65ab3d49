// The customers: who is enrolled, their PINs, what is stored about them, and how they are forgotten. No face comes to this
// page. What was not confirmed by the terminal is asked for again, and never assumed.
"use strict";

const folk = find("section.customers"), card = find("dialog.customer");
const rowsMost = 200; // more nobody reads
let folkRound = 0, folkDrawn = "";
let folkAll = []; // the terminal's last word
let one = null; // whose card is open
let cardStep = ""; // card, pin, twice, take, block, forget, sending or said
let typedPIN = "", firstPIN = "";

async function readCustomers() {
  if (root.dataset.view !== "open" || root.dataset.tab !== "customers") return;
  const mine = ++folkRound, a = await ask("GET", "/counter/customers");
  if (mine !== folkRound || root.dataset.view !== "open") return;
  if (a.status === 200) folkAll = a.data.customers;
  if (a.status === 200) drawCustomers();
  else if (a.status === 409) drawCustomers([word("cust_failed"), ...Object.values(refusal(a.data))].join(" "));
}

function clearCustomers() {
  folkRound++;
  folkDrawn = "";
  folkAll = [];
  leaveCard();
  find(".seek input").value = "";
  find("ul", folk).replaceChildren();
  setText(find(".empty", folk), "");
}

const dated = (text) => new Intl.DateTimeFormat(root.lang, { dateStyle: "medium" }).format(new Date(text));
const plain = (text) => text.toLocaleLowerCase(root.lang).normalize("NFD").replace(/\p{M}/gu, ""); // Zoë is found as zoe

// marksOf are what is not as usual with a customer.
function marksOf(c) {
  if (c.damaged) return [["cust_damaged", "bad"]];
  return [...(c.blocked ? [["cust_blocked", "bad"]] : []), ...(c.stale ? [["cust_stale", "warn"]] : []), ...(c.agreed ? [] : [["cust_no_consent", "warn"]])];
}

function drawCustomers(trouble = "") {
  const text = plain(find(".seek input").value.trim()), all = trouble ? [] : folkAll;
  const found = all.filter((c) => plain(c.name).includes(text)), now = JSON.stringify([found, trouble, all.length]);
  if (now === folkDrawn) return;
  folkDrawn = now;
  const focused = document.activeElement?.closest(".customers li button")?.dataset.customer;
  const counted = text ? found.length ? word("found", found.length) : word("found_none") :
    all.length ? word(all.length === 1 ? "cust_one" : "cust_count", all.length) : word("cust_none");
  setText(find(".empty", folk), trouble || counted + (found.length > rowsMost ? " " + word("cust_first", rowsMost) : ""));
  find("ul", folk).replaceChildren(...found.slice(0, rowsMost).map((c) => {
    const li = el("li"), b = choice("", () => openCard(c)), more = el("span", "more");
    b.dataset.customer = c.id;
    if (!c.damaged) more.append(el("span", "", word("cust_since", dated(c.since))), el("span", "", word(c.pin ? "cust_pin" : "cust_no_pin")));
    b.append(el("b", "", c.name || word("cust_unread")), more, ...marksOf(c).map(([key, kind]) => el("span", "mark-" + kind, word(key))));
    li.append(b);
    return li;
  }));
  if (focused) find(`.customers button[data-customer="${CSS.escape(focused)}"]`)?.focus();
}

// The card of one customer.

// The key that closed a card, until it is let go: what is behind and has the focus then is not pressed by it.
let held = false;
for (const event of ["keyup", "pointerdown", "blur"]) addEventListener(event, () => { held = false; });

function openCard(c) {
  if (held) return;
  one = c;
  drawCard("card");
}

function leaveCard() {
  if (cardStep === "sending" && root.dataset.view === "open") return;
  cardStep = "";
  one = null;
  typedPIN = firstPIN = "";
  if (card.open) card.close();
  for (const node of card.querySelectorAll("h1, .help, .told")) setText(node, "");
  for (const node of card.querySelectorAll("dl, .col, .dots, .form")) node.replaceChildren();
  endEnrol();
}

function cardRows(c) {
  const a = c.agreed;
  return [
    ...(c.damaged ? [] : [[word("cust_row_since"), dated(c.since)]]),
    [word("cust_row_agreed"), a ? dated(a.at) : word("cust_no_consent")],
    ...(a?.lang ? [[word("cust_row_text"), word("lang_" + a.lang)]] : []),
    ...(a ? [[word("cust_row_explained"), a.explained]] : []),
    ...(a?.paper ? [[word("cust_row_paper"), a.paper]] : []),
    [word("cust_row_pin"), word(c.pin ? "cust_yes" : "cust_no")],
    [word("cust_row_state"), stateOf(c)],
    [word("cust_row_id"), c.id],
  ];
}

const stateOf = (c) => word(c.damaged ? "cust_damaged" : c.blocked ? "cust_blocked_state" : c.stale ? "cust_stale" : "cust_pays");

function cardButtons(c) {
  return [
    ...(c.damaged ? [] : [choice(word(c.pin ? "cust_new_pin" : "cust_set_pin"), () => askPIN())]),
    ...(c.pin ? [choice(word("cust_take_pin"), () => drawCard("take"))] : []),
    ...(c.damaged ? [] : [choice(word("cust_extract"), () => saveExtract(c))]),
    ...(c.damaged ? [] : [choice(word(c.blocked ? "cust_unblock" : "cust_block"), () => drawCard("block"))]),
    ...(c.damaged ? [] : [choice(word("cust_renew"), () => startEnrol(c))]),
    choice(word("cust_forget"), () => drawCard("forget"), "warn"),
    choice(word("close"), leaveCard, "wide"),
  ];
}

const backButton = () => choice(word("back"), stepBack, "wide");
const nameOf = (c) => c.name || word("cust_unread");

// cardFaces are what the card shows of a customer in each step: title, help, rows, buttons, and what else.
const cardFaces = {
  card: (c) => [nameOf(c), "", cardRows(c), cardButtons(c)],
  pin: () => [word("pin_type"), word("pin_type_help"), [], [...pinButtons(), backButton()]],
  twice: () => [word("pin_twice"), "", [], [backButton()]],
  take: (c) => [word("pin_take", nameOf(c)), word("pin_take_help"), [], [choice(word("pin_take_yes"), () => sendPIN(""), "yes"), backButton()]],
  block: (c) => [word(c.blocked ? "block_end" : "block_sure", nameOf(c)), word(c.blocked ? "block_end_help" : "block_help"), [],
    [...(c.blocked ? ["settled", "asked_for", "by_mistake"] : ["asked_for", "misuse", "owes", "other"]).map((why) =>
      choice(word("block." + why), () => block(why))), backButton()]],
  forget: (c) => [word("forget_sure", nameOf(c)), word("forget_help"), [], [choice(word("forget_yes"), () => forget(), "yes"), backButton()]],
  sending: () => [word("give_sending"), "", [], []],
  said: (_, said) => [said.title, said.help, [], said.buttons ?? [choice(word("close"), leaveCard, "wide go")]],
};
const typingSteps = ["pin", "twice", "second"];

// drawCard shows a step; what it says of what happened is {title, help, buttons, told}.
function drawCard(step, said = {}) {
  cardStep = step;
  const [title, help, rows, buttons, nodes = []] = cardFaces[step](one, said), typing = typingSteps.includes(step);
  card.dataset.step = step;
  setText(find("h1", card), title);
  setText(find(".help", card), help);
  find("dl", card).replaceChildren(...rows.flatMap(([n, v]) => [el("dt", "", n), el("dd", "", v)]));
  find("dl", card).hidden = !rows.length;
  find(".form", card).replaceChildren(...nodes);
  find(".form", card).hidden = !nodes.length;
  find(".keys", card).hidden = find(".dots", card).hidden = !typing;
  setText(find(".told", card), said.told);
  find(".col", card).replaceChildren(...buttons);
  if (typing) drawDots(find(".dots", card), typedPIN);
  if (!card.open) card.showModal();
  if (nodes.length) mayGoOn();
  find(step === "name" || step === "second" ? ".form input" : "h1", card).focus(); // on no button: an Enter that is held would press it
}

const saidOf = (a) => {
  const e = refusal(a.data);
  return { title: word("cust_not_done"), help: e.what || word("pin_failed"),
    buttons: [choice(word("back"), () => drawCard("card"), "wide go")] };
};

// A PIN is typed twice, by the customer.

function askPIN(told = "", then = sendPIN) {
  typedPIN = firstPIN = "";
  pinTyped = then;
  drawCard("pin", { told });
}

let pinTyped = sendPIN; // what becomes of a PIN that was typed twice

function cardKey(key) {
  if (key !== "ok") {
    setText(find(".told", card), "");
    typedPIN = key === "correct" ? typedPIN.slice(0, -1) : key === "clear" ? "" : (typedPIN + key).slice(0, pinMost);
    return drawDots(find(".dots", card), typedPIN);
  }
  if (typedPIN.length < pinLeast) return;
  if (cardStep === "second") return sendVouch();
  if (cardStep === "pin") {
    firstPIN = typedPIN;
    typedPIN = "";
    return drawCard("twice");
  }
  const same = typedPIN === firstPIN, digits = firstPIN;
  typedPIN = firstPIN = "";
  if (same) pinTyped(digits);
  else askPIN(word("pin_differs"), pinTyped);
}

async function sendPIN(digits) {
  const c = one;
  drawCard("sending");
  const a = await ask("POST", "/counter/customers/pin", { id: c.id, pin: digits });
  readCustomers();
  if (one !== c || root.dataset.view !== "open" || a.status === 401) return tick();
  if (a.status === 200) {
    one = { ...c, pin: !!digits };
    drawCard("said", { title: word(digits ? "pin_set" : "pin_taken"), help: digits ? word("pin_set_help", c.name) : "" });
  } else if (a.data?.why === "pin") askPIN(refusal(a.data).what);
  else drawCard("said", saidOf(a));
}

// block blocks a customer for a reason, or ends that.
async function block(why) {
  const c = one, blocked = !c.blocked;
  drawCard("sending");
  const a = await ask("POST", "/counter/customers/block", { id: c.id, blocked, why });
  readCustomers();
  if (one !== c || root.dataset.view !== "open" || a.status === 401) return tick();
  if (a.status !== 200) return drawCard("said", saidOf(a));
  one = { ...c, blocked };
  drawCard("said", { title: word(blocked ? "block_done" : "block_ended"), help: blocked ? word("block_done_help") : "" });
}

// Forgetting. A request whose answer was lost is sent again: the terminal has the receipt for some minutes.
async function forget() {
  const c = one;
  drawCard("sending");
  const send = () => ask("POST", "/counter/customers/forget", { id: c.id, lang: root.lang });
  let a = await send();
  for (let n = 0; n < 5 && !settled(a) && a.status !== 401 && root.dataset.view === "open"; n++) {
    await new Promise((r) => setTimeout(r, 1000));
    if (one !== c) return;
    a = await send();
  }
  readCustomers();
  if (one !== c || root.dataset.view !== "open" || a.status === 401) return tick();
  if (a.status === 200) {
    cardStep = "";
    leaveCard();
    showErased(a.data);
  } else if (settled(a)) drawCard("said", saidOf(a));
  else drawCard("said", { title: word("cust_not_done"), help: word("forget_open"), buttons: [choice(word("give_again"), forget, "yes"), choice(word("close"), leaveCard)] });
}

function showErased(e) {
  const save = choice(word("save"), () => {
    keepFile(new Blob([JSON.stringify(e.file, null, 1) + "\n"], { type: "application/json" }), e.name);
    setText(find(".help", paper), word("receipt_saved", e.name));
  });
  showPaper({ title: e.title, rows: e.rows, note: e.note, buttons: [printButton(), save, closeButton()] });
}

// keepFile has the browser keep a file.
function keepFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function saveExtract(c) {
  drawCard("sending");
  let said = { title: word("cust_not_done"), help: word("pin_failed") };
  try {
    const a = await fetch("/counter/extract?" + new URLSearchParams({ id: c.id, lang: root.lang }),
      { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(30000) });
    if (a.status === 401) return tick();
    if (a.ok) {
      const name = decodeURIComponent(a.headers.get("Content-Disposition").split("''")[1]);
      keepFile(await a.blob(), name);
      said = { title: word("cust_extract"), help: word("cust_saved", name) };
    } else if (a.status === 409) said = saidOf({ data: await a.json() });
  } catch {
    // it is said that it did not work
  }
  if (one === c && root.dataset.view === "open") drawCard("said", said);
}

// What is pressed.

// customerKey takes a real key while the card is open; true if it has.
function customerKey(name, e) {
  if (!card.open) return false;
  if (typingSteps.includes(cardStep) && e.key !== "Escape") {
    cardKey(name);
    e.preventDefault();
  } else if (name === "ok" && cardStep === "said") {
    find(".col .go", card)?.click();
    e.preventDefault(); // or it also presses what had the focus before, and again for as long as it is held
    held = true;
  }
  return true;
}

// stepBack goes back to the card, or leaves it.
function stepBack() {
  if (cardStep === "sending") return;
  typedPIN = firstPIN = "";
  if (wish && cardStep !== "said") enrolBack();
  else if (cardStep === "card" || cardStep === "said") leaveCard();
  else drawCard("card");
}

card.addEventListener("cancel", (e) => {
  if (!e.cancelable) return;
  e.preventDefault();
  stepBack();
});
// A browser may close it without asking, at a second press of Escape.
card.addEventListener("close", () => {
  if (card.open || !cardStep) return;
  if (cardStep === "sending") card.showModal();
  else stepBack();
});
find(".enrol-new").addEventListener("click", () => { if (!held) startEnrol(); });
find(".seek").addEventListener("submit", (e) => e.preventDefault());
find(".seek input").addEventListener("input", () => drawCustomers());
keys(find(".keys", card), pinKeys, cardKey);
setInterval(readCustomers, 10000);
