// The counter: the clerk's PIN, the amount, and the payment that runs. A payment has its id before it is asked for, and
// keeps it over lost answers, double taps and reloads; what became of it is always asked for and never assumed.
"use strict";

const root = document.documentElement;
const find = (s, within = document) => within.querySelector(s);
const words = JSON.parse(find("#words").textContent);
const word = (key, n) => (words[key] ?? "").replace("{n}", () => n ?? "");
const digitsMax = 12; // of an amount
const pinMost = 12, pinLeast = 4;

let desk = null; // the terminal's last word; null while the page is locked or lost
let misses = 0; // answers in a row that did not come
let round = 0; // of asking: an answer to an earlier one is out of date
let timer = 0;
let payment = null; // what the terminal says of ours
let posting = false; // the payment was asked for, and no answer came yet
let told = null; // why it was refused: {what, do}
let deadline = null; // on performance.now()'s clock
let whole = 0; // ms from when the payment was first seen to its deadline
let asking = true; // an end that no page has confirmed may be waiting: until the terminal says that none is
let used = -Infinity; // when the terminal was last told that somebody works here

// till is what outlives a reload: the digits typed, the id that belongs to them, and whether it was asked for; late is an
// earlier payment whose end nobody has confirmed, held what was typed before it came between.
const till = { digits: "", id: "", asked: false, late: false, held: "", ...recall("counter.till") };

// confirmed are the ends that somebody went on from, by id; true: the terminal was told.
const confirmed = new Map();

function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch {
    return {}; // nothing that this page has written
  }
}

function keep(key, value) {
  sessionStorage.setItem(key, JSON.stringify(value));
}

function setText(node, text) {
  text ??= "";
  if (node.textContent !== text) node.textContent = text; // unchanged text isn't read out again
}

// newID has 128 random bits. (crypto.randomUUID is there on some of our origins only.)
function newID() {
  return "counter-" + Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// decimal puts the point into a row of digits: "5" is "0.05" where there are two decimals.
function decimal(digits, decimals) {
  const all = digits.padStart(decimals + 1, "0"), at = all.length - decimals;
  return decimals ? all.slice(0, at) + "." + all.slice(at) : all;
}

const spoken = (amount, currency) => money(amount, currency, root.lang).map((p) => p.value).join("");

function showMoney(node, amount, currency) {
  const key = [amount, currency].join(" ");
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  const parts = amount ? money(amount, currency, root.lang) : [];
  node.replaceChildren(...parts.map((p) => {
    const span = document.createElement("span");
    span.className = p.type;
    span.textContent = p.value;
    return span;
  }));
  node.style.setProperty("--em", Math.max(5, 0.62 * parts.reduce((n, p) => n + p.value.length, 0))); // about as wide as it is
}

// ask sends one request. Status 0: whether it came to the terminal is not known.
async function ask(method, path, body) {
  try {
    const answer = await fetch(path, { method, cache: "no-store", credentials: "same-origin",
      signal: AbortSignal.timeout(method === "GET" ? 5000 : 10000),
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }) });
    const json = answer.headers.get("Content-Type")?.startsWith("application/json");
    return { status: answer.status, data: json ? await answer.json() : null };
  } catch {
    return { status: 0, data: null };
  }
}

// settled reports an answer after which nothing more can come of the request.
const settled = (a) => a.status === 200 || a.status === 409 && !a.data?.open || [400, 403, 404, 413, 415].includes(a.status);

// refusal is what a clerk reads of an error: the page's own words and what the terminal said, or the latter alone.
function refusal(e) {
  if (e?.why) return { what: word("refused." + e.why), do: e.what };
  return { what: e?.what || word("pin_failed"), do: e?.do ?? "" };
}

// keepFocus has clicks leave the focus where it is: Enter after a click must not press that key again.
function keepFocus(box) {
  box.addEventListener("mousedown", (e) => e.preventDefault());
}

function keys(box, names, press) {
  box.replaceChildren(...names.map((name) => {
    const b = document.createElement("button");
    b.type = "button";
    b.dataset.key = name;
    if (/\d/.test(name)) b.textContent = name;
    else {
      const sign = document.querySelector("#" + name)?.content.cloneNode(true), text = document.createElement("span");
      text.textContent = word("key_" + name);
      b.className = "word";
      b.append(...(sign ? [sign] : []), text);
    }
    return b;
  }));
  keepFocus(box);
  box.addEventListener("click", (e) => {
    const key = e.target.closest("button")?.dataset.key;
    if (key) press(key);
  });
}

const sumKeys = ["1", "2", "3", "correct", "4", "5", "6", "7", "8", "9", "clear", "0", "00"];
const pinKeys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "correct", "0", "ok"];

// shift is the row of digits after a key.
function shift(digits, key) {
  if (key === "clear") return "";
  if (key === "correct") return digits.slice(0, -1);
  const next = (digits + key).replace(/^0+/, "");
  return next.length > digitsMax ? digits : next;
}

// The PIN.

let pin = "", checking = false;

// drawDots shows how many digits of a PIN were typed, and none of them.
function drawDots(dots, digits) {
  dots.replaceChildren(...Array.from({ length: Math.max(pinLeast, digits.length) }, (_, i) => {
    const dot = document.createElement("i");
    dot.className = i < digits.length ? "set" : "";
    return dot;
  }));
  dots.setAttribute("aria-label", word("pin_length", digits.length));
}

function drawPIN() {
  drawDots(find(".dots"), pin);
  find(".pin").setAttribute("aria-busy", checking);
}

async function pressPIN(key) {
  if (checking) return;
  if (key !== "ok") {
    setText(find(".said"), "");
    pin = key === "correct" ? pin.slice(0, -1) : key === "clear" ? "" : (pin + key).slice(0, pinMost);
    return drawPIN();
  }
  if (pin.length < pinLeast) return;
  const who = find(".who"), body = { pin, ...(!who.hidden && { name: find("input", who).value.trim() }) };
  pin = "";
  checking = true;
  drawPIN();
  const a = await ask("POST", "/counter/unlock", body);
  checking = false;
  drawPIN();
  if (a.status === 422) lockedBy(a.data, true);
  else setText(find(".said"), a.status === 200 ? "" : word("pin_failed"));
  tick();
}

// lockedBy shows why the page is not open; tried, that a PIN was just not the right one.
function lockedBy(data, tried) {
  asking = true;
  if (data.version !== root.dataset.version) return show("old");
  show(data.lock === "off" ? "off" : "pin");
  const said = find(".said");
  if (data.name && find(".who").hidden) {
    find(".who").hidden = false;
    if (!data.unnamed) find(".who input").focus(); // else digits that are typed are the PIN's that has no name
  }
  if (data.name && tried) setText(said, word("pin_name"));
  else if (data.lock === "wait") setText(said, word("pin_wait", Math.ceil(data.left_s / 60)));
  else if (data.lock === "fault") setText(said, Object.values(refusal(data)).join(" "));
  else if (tried) setText(said, word("pin_wrong"));
  else if (waited) setText(said, "");
  waited = data.lock === "wait" || data.lock === "fault"; // its words go when its cause has gone
}
// Enter after the name goes on to the PIN: its digits must not be seen in the field of the name.
find(".who input").addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.isComposing) return;
  e.preventDefault();
  find(".pin h1").focus();
});
let waited = false;
let locking = false; // by the button: whoever pressed it knows

// The view is what the page shows at all: connecting, lost, off, pin or open.
function show(view) {
  const was = root.dataset.view;
  if (was === view) return;
  root.dataset.view = view;
  if (view !== "open") {
    desk = null;
    closeBack();
    closePaper();
    clearBook();
    clearDay();
    clearCustomers();
    clearClerks();
    for (const node of document.querySelectorAll("main .amount")) showMoney(node, "", "");
    for (const node of document.querySelectorAll(".pay, .note p, .end .help")) setText(node, "");
  }
  if ((view === "pin" || view === "off") && !till.asked) {
    Object.assign(till, { digits: "", id: "" }); // what somebody typed and left is not the next one's
    keep("counter.till", till);
  }
  if (view === "pin" || was === "pin") {
    pin = "";
    setText(find(".said"), view === "pin" && was === "open" && !locking ? word("pin_ended") : "");
    drawPIN();
  }
  locking = false;
  if (view === "open") resumeBack();
  if (view === "open") resumeClosing();
  if (view === "open") readDay();
  if (view === "open") readCustomers();
  if (view === "open") readClerks();
  if (view === "open") askOwed();
}

// The till.

const amount = () => decimal(till.digits, desk.decimals);

// ours is the payment of this page, "" if none was asked for.
const ours = () => till.asked ? till.id : "";

function typeKey(key) {
  if (!desk || root.dataset.step === "trouble" || till.asked && !payment?.ended) return;
  if (till.asked) fresh(till.held);
  const digits = shift(till.digits, key);
  if (digits === till.digits) return;
  Object.assign(till, { digits, id: "", asked: false }); // another amount, another payment
  told = null;
  keep("counter.till", till);
  draw();
}

// fresh leaves the payment that has ended, which somebody has read: only then the terminal forgets it.
function fresh(digits) {
  if (ours() && payment?.ended) confirmed.set(till.id, false);
  Object.assign(till, { digits, id: "", asked: false, late: false, held: "" });
  payment = told = deadline = null;
  keep("counter.till", till);
  draw();
  tellConfirmed();
}

// tellConfirmed is done again with each answer of the terminal until it has heard it.
async function tellConfirmed() {
  for (const [id, heard] of confirmed) {
    if (!heard && settled(await ask("POST", "/counter/confirm", { id }))) confirmed.set(id, true);
  }
  while (confirmed.size > 32) confirmed.delete(confirmed.keys().next().value);
}

// takeUnconfirmed shows the end of a payment that was begun here before a crash: typed once more it would be charged twice.
function takeUnconfirmed(p) {
  if (!p || till.asked || confirmed.has(p.id)) return;
  Object.assign(till, { digits: digitsIn(p.amount), id: p.id, asked: true, late: true, held: till.digits });
  told = payment = null;
  keep("counter.till", till);
  takePayment(p);
}

const digitsIn = (decimalText) => decimalText.replace(".", "").replace(/^0+/, "");

const other = () => desk?.running && desk.running.id !== ours() ? desk.running : null;

async function pay() {
  if (!desk || posting || till.asked || !till.digits || desk.trouble || other()) return;
  till.id ||= newID();
  till.asked = posting = true;
  keep("counter.till", till); // before it is sent: a reload in this moment asks for it
  told = payment = null;
  draw();
  const a = await ask("POST", "/counter/pay", { id: till.id, amount: amount() });
  posting = false;
  if (a.status === 200) takePayment(a.data);
  else if (settled(a)) {
    till.asked = false;
    told = refusal(a.data);
    keep("counter.till", till);
  }
  draw();
  tick();
}

async function cancel() {
  if (!ours()) return;
  find(".cancel").disabled = true;
  const a = await ask("POST", "/counter/cancel", { id: till.id });
  find(".cancel").disabled = false;
  if (a.status === 200) takePayment(a.data);
  tick();
}

function takePayment(p) {
  if (p.id !== ours()) return;
  const ended = p.ended && !payment?.ended;
  if (payment?.state !== p.state) whole = p.left_ms;
  payment = p;
  deadline = p.left_ms < 0 ? null : performance.now() + p.left_ms;
  if (ended) readBook();
}

function takeDesk(data) {
  if (data.version !== root.dataset.version) return show("old");
  desk = data;
  show("open");
  // The answer told otherwise, but the browser may have sent the request twice: what runs under our id is ours.
  if (till.id && data.running?.id === till.id && !till.asked) {
    till.asked = true;
    keep("counter.till", till);
    takePayment(data.running);
  }
  if (asking) {
    asking = !!(data.unconfirmed || data.reversal || data.more);
    takeUnconfirmed(data.unconfirmed);
    takeReversal(data.reversal);
  }
  if ([...confirmed.values()].includes(false)) tellConfirmed();
  if (data.payment) takePayment(data.payment);
  else if (data.unknown && till.asked && !posting) {
    till.asked = false;
    told = { what: word("not_begun"), do: "" };
    keep("counter.till", till);
  }
  draw();
}

// tick asks the terminal where everything stands, again and again.
async function tick() {
  clearTimeout(timer);
  const mine = ++round;
  const query = new URLSearchParams({ ...(ours() && { id: till.id }), ...(asking && { unconfirmed: 1 }) });
  const a = await ask("GET", "/counter/desk?" + query);
  if (mine !== round) return;
  misses = a.status === 200 || a.status === 401 ? 0 : misses + 1;
  if (a.status === 200) takeDesk(a.data);
  else if (a.status === 401) lockedBy(a.data);
  else if (misses > 1) show("lost");
  timer = setTimeout(tick, misses || ours() && !payment?.ended ? 400 : 1500);
}

// Drawing.

function draw() {
  if (!desk) return;
  const busy = till.asked && !payment?.ended;
  const step = till.asked && payment?.ended ? "end" : desk.trouble && !busy ? "trouble" : busy ? "run" : "type";
  root.dataset.step = step;
  root.dataset.state = payment?.state ?? "";
  ({ type: drawType, run: drawRun, end: drawEnd, trouble: drawTrouble })[step]();
  for (const b of document.querySelectorAll("nav button")) b.setAttribute("aria-current", b.dataset.tab === root.dataset.tab);
}

function drawType() {
  const sum = find(".sum .amount");
  showMoney(sum, amount(), desk.currency);
  sum.classList.toggle("none", !till.digits);
  const go = find(".pay"), runs = other(), note = find(".note"), mine = runs?.id.startsWith("counter-");
  setText(go, till.digits ? word("pay", spoken(amount(), desk.currency)) : word("take"));
  go.disabled = !till.digits || !!runs;
  note.hidden = !runs && !told;
  note.classList.toggle("fault", !runs);
  const [what, help] = note.querySelectorAll("p");
  setText(what, runs ? word("busy", spoken(runs.amount, runs.currency) + (mine ? "" : ` (${runs.id})`)) : told?.what);
  setText(help, runs ? word(mine ? "busy_counter" : "busy_help") : told?.do);
  find(".show").hidden = !mine;
}

function drawRun() {
  const box = find(".run"), p = payment, doubt = desk.doubt && refusal(desk.doubt);
  box.dataset.now = p?.state ?? "";
  showMoney(find(".amount", box), p?.amount ?? amount(), p?.currency ?? desk.currency);
  setText(find("h1", box), p ? word("now." + p.state) : doubt?.what || word("sending"));
  setText(find(".help", box), p ? p.advice ? word("asks", words["instruction." + p.advice]) : "" : doubt?.do || word("sending_help"));
  drawSeconds();
}

function drawSeconds() {
  const box = find(".run"), left = deadline === null ? 0 : Math.max(0, deadline - performance.now());
  setText(find(".left", box), payment && deadline !== null ? word("left", Math.ceil(left / 1000)) : "");
  find(".fill", box).style.setProperty("--p", whole > 0 ? Math.min(1, left / whole) : 0);
}

function drawEnd() {
  const box = find(".end"), p = payment, paid = p.state === "approved";
  setText(find("h1", box), words["state." + p.state]);
  showMoney(find(".amount", box), p.amount, p.currency);
  setText(find(".help", box), [till.late ? word("unconfirmed", when(p).textContent) : "",
    ...(paid ? [] : [word("why." + p.reason), word("uncharged")])].filter(Boolean).join(" "));
  find(".again", box).hidden = paid;
}

function drawTrouble() {
  const box = find(".trouble"), starts = !desk.trouble.what && !desk.trouble.do, t = starts ? {} : refusal(desk.trouble);
  setText(find("h1", box), word(starts ? "starting" : "trouble"));
  setText(find(".what", box), t.what);
  setText(find(".do", box), t.do);
  find(".help", box).hidden = starts;
}

// What is pressed.

// A button that was pressed and went away keeps the focus until the next frame.
const onButton = () => document.activeElement?.closest("button")?.checkVisibility();

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing || e.target.closest?.("input, select, textarea")) return;
  const name = /^\d$/.test(e.key) ? e.key : { Enter: onButton() ? "" : "ok", Backspace: "correct", Delete: "clear", Escape: "clear" }[e.key];
  if (!name || e.repeat && name === "ok") return;
  if (root.dataset.view === "pin") pressPIN(name);
  else if (root.dataset.view !== "open" || paperOpen() || person.open || customerKey(name, e) || backKey(name, e) || !find(".take").checkVisibility()) return;
  else if (name !== "ok") typeKey(name);
  else if (root.dataset.step === "end") fresh(till.held);
  else pay();
  e.preventDefault();
});

for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, () => {
    if (root.dataset.view !== "open" || performance.now() - used < 60000) return;
    used = performance.now();
    ask("POST", "/counter/stay", {});
  });
}

find(".pay").addEventListener("click", pay);
find(".cancel").addEventListener("click", cancel);
find(".next").addEventListener("click", () => fresh(till.held));
find(".again").addEventListener("click", () => fresh(till.digits));
find(".show").addEventListener("click", () => {
  const runs = other();
  if (!runs) return;
  Object.assign(till, { digits: digitsIn(runs.amount), id: runs.id, asked: true });
  keep("counter.till", till);
  takePayment(runs);
  draw();
});
find(".lock").addEventListener("click", async () => {
  clearTimeout(timer);
  locking = true;
  round++; // the PIN is asked for after the answer, which takes the cookie away: not that of the next session
  await ask("POST", "/counter/lock", {});
  tick();
});
find("nav").addEventListener("click", (e) => {
  const tab = e.target.closest("button")?.dataset.tab;
  if (!tab) return;
  root.dataset.tab = tab;
  draw();
  if (tab === "book") readBook();
  if (tab === "day") readDay();
  if (tab === "customers") readCustomers();
  if (tab === "clerks") readClerks();
});
find(".anew").addEventListener("click", () => location.reload());
keepFocus(find("nav"));
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
setInterval(() => { if (root.dataset.step === "run") drawSeconds(); }, 250);
keys(find(".pin .keys"), pinKeys, pressPIN);
keys(find(".type .keys"), sumKeys, typeKey);
find(".type .keys").classList.add("sums");
