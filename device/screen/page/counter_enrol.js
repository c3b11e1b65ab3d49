// Enrolling on the counter's page: the name, what the customer agrees to, a PIN, and the pictures that the terminal's own camera
// takes. While they are taken this page asks twice a second: when it does not, the consent is taken back.
"use strict";

let wish = null; // who is being enrolled: {name, again, asks, digits, lang, explained, agreed, pin, token, stop, now}; agreed: when it was ticked, 0: it was not
let agreement = null; // the terminal's word on what has to be asked
let owed = null; // an enrolment whose end the page has not heard, because the connection was lost
let enrolTimer = 0;
const agreedFor = 5 * 60 * 1000; // ms that a tick counts for, as the terminal has it

// startEnrol begins with a new customer, or with new pictures of one.
async function startEnrol(c) {
  one = c ?? { id: "", name: "" };
  drawCard("sending");
  const mine = one, a = await ask("GET", "/counter/consent");
  if (one !== mine || root.dataset.view !== "open" || a.status === 401) return tick();
  if (a.status !== 200) return drawCard("said", { ...saidOf(a), buttons: undefined });
  agreement = a.data;
  // asks: nothing tells what the customer agreed to. One who has agreed is not asked anew for new pictures.
  wish = { name: one.name, again: one.id, asks: !one.agreed, digits: "", lang: root.lang, explained: agreement.clerk ?? "", agreed: 0, pin: "", token: "", stop: false, now: null };
  drawCard(!one.id ? "name" : wish.asks ? "text" : "ready");
}

// endEnrol forgets what was typed, and takes a consent back that runs.
function endEnrol() {
  clearTimeout(enrolTimer);
  if (root.dataset.view === "pin") owed = null;
  if (wish?.token) {
    if (root.dataset.view === "lost") owed = { token: wish.token, again: wish.again, stop: wish.stop };
    ask("POST", "/counter/enrolment", { token: wish.token, stop: true });
  }
  wish = agreement = null;
}

// askOwed tells what became of an enrolment that the connection was lost in, once it is back; another's page owes nothing.
async function askOwed() {
  const mine = owed;
  owed = null;
  if (!mine || root.dataset.view !== "open") return;
  const a = await ask("POST", "/counter/enrolment", { token: mine.token, stop: true });
  if (root.dataset.view !== "open" || card.open) return;
  if (!settled(a)) {
    owed ??= mine;
    return void setTimeout(askOwed, 1000);
  }
  if (a.status !== 200) return;
  if (!a.data.ended) {
    owed = mine;
    return void setTimeout(askOwed, 500);
  }
  one = { id: mine.again, name: "" };
  wish = { again: mine.again, stop: mine.stop, pin: "", token: "" };
  if (!a.data.failed) return enrolled(a.data);
  const stays = mine.again && a.data.failed.why === "withdrawn";
  drawCard("said", { title: word(mine.again ? "enrol_not_renewed" : "enrol_failed"), help: stays ? word("enrol_stays") : refusal(a.data.failed).what });
}

// A page that is left takes the consent back at once: the terminal would wait for its next question.
addEventListener("pagehide", () => {
  if (wish?.token) fetch("/counter/enrolment", { method: "POST", keepalive: true, credentials: "same-origin",
    headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token: wish.token, stop: true }) });
});

// enrolBack goes one step back; from the pictures, by taking the consent back.
function enrolBack() {
  const again = !!one.id;
  const before = { text: !again ? "name" : wish.second ? "second" : "card", pin: "text", twice: "pin", ready: !again || wish.second ? "pin" : wish.asks ? "text" : "card",
    second: "card" }[cardStep];
  if (cardStep === "shots") return stopEnrol();
  if (cardStep === "stopping") return leaveCard();
  if (cardStep === "name") return leaveCard();
  if (before === "card" || !before) {
    endEnrol();
    return drawCard("card");
  }
  if (before === "pin") return askPIN("", pinChosen);
  drawCard(before);
}

const pinButtons = () => wish && !one.id ? [choice(word("enrol_no_pin"), () => pinChosen(""), "wide")] : [];

function pinChosen(digits) {
  wish.pin = digits;
  drawCard("ready");
}

// wishField is a labelled input of the form, which keeps what is typed in the wish.
function wishField(key, text, attributes) {
  const label = el("label", "", text), input = el("input");
  Object.assign(input, { value: wish[key], autocomplete: "off", ...attributes });
  input.addEventListener("input", () => {
    wish[key] = input.value;
    setText(find(".told", card), "");
    mayGoOn();
  });
  label.append(input);
  return label;
}

const goOn = (next) => choice(word("give_next"), next, "wide go");

// mayGoOn says whether the step has what it needs.
function mayGoOn() {
  const go = find(".col .go", card);
  if (!go) return;
  if (cardStep === "name") go.disabled = !wish.name.trim();
  if (cardStep === "text") go.disabled = !wish.agreed || !wish.explained.trim();
}

function agreeBox() {
  const label = el("label", "agree"), box = el("input");
  box.type = "checkbox";
  box.checked = wish.agreed > 0;
  box.addEventListener("change", () => {
    wish.agreed = box.checked ? Date.now() : 0;
    mayGoOn();
  });
  const text = textNow(), words = el("span", "", text.agree);
  words.lang = text.lang; // what is ticked is in the language of what was read, whatever the clerk's is
  label.append(box, words);
  return label;
}

const textNow = () => agreement.texts.find((t) => t.lang === wish.lang) ?? agreement.texts[0];

// stopButton takes the consent back, in the words of who gave it; who agreed long ago takes new pictures back alone.
function stopButton() {
  const text = wish.asks ? textNow() : null, b = choice(text?.stop ?? word("enrol_halt"), stopEnrol, "wide");
  if (text) b.lang = text.lang;
  return b;
}

function textNodes() {
  const text = textNow(), body = el("div", "body");
  body.tabIndex = 0;
  body.lang = text.lang;
  body.setAttribute("role", "document");
  body.setAttribute("aria-label", word("enrol_text"));
  body.append(...text.body.trim().split(/\n\s*\n/).map((p, i) => el(i ? "p" : "h2", "", p.replace(/\n/g, " "))));
  const langs = el("div", "langs");
  langs.append(...agreement.texts.map((t) => {
    const b = choice(word("lang_" + t.lang), () => {
      Object.assign(wish, { lang: t.lang, agreed: 0 }); // what was ticked was the other text
      drawCard("text");
    });
    b.setAttribute("aria-pressed", t.lang === text.lang);
    return b;
  }));
  return [langs, body, wishField("explained", word("enrol_explained"), { maxLength: 60 }), agreeBox()];
}

Object.assign(cardFaces, {
  name: () => [word("enrol_new"), word("enrol_name_help"), [], [goOn(nameTyped), choice(word("close"), leaveCard, "wide")],
    [wishField("name", word("enrol_name"), { maxLength: 120, autocapitalize: "words" }),
      ...(agreement.digits ? [wishField("digits", word("enrol_digits"), { maxLength: 12, inputMode: "numeric" })] : [])]],
  text: () => [word("enrol_text"), word("enrol_text_help"), [], [goOn(() => one.id && !wish.second ? drawCard("ready") : askPIN("", pinChosen)), backButton()], textNodes()],
  ready: () => [word("enrol_ready"), word("enrol_ready_help"), [], [choice(word("enrol_go"), () => beginEnrol(), "wide go"), backButton()]],
  shots: () => [...shotWords(), [], [stopButton()], shotNodes()],
  stopping: () => [word("give_sending"), word("enrol_stopping"), [], [choice(word("close"), leaveCard, "wide")]],
  second: () => [word("enrol_second"), word("enrol_second_help"), [], [backButton()], [wishField("second", word("name"), { maxLength: 40, autocapitalize: "words" })]],
});

function nameTyped() {
  if (!wish.name.trim()) return;
  if (wish.named !== wish.name.trim()) wish.agreed = 0; // it may be somebody else's now
  wish.named = wish.name.trim();
  drawCard("text");
}

// The pictures.

function shotWords() {
  const now = wish.now;
  if (now?.state === "enrol_smile") return [word("enrol_smile"), word("enrol_smile_help")];
  return [word("enrol_look"), now?.nobody ? word("enrol_nobody") : now?.advice ? words["instruction." + now.advice] :
    now?.taken ? word("enrol_taken", now.taken).replace("{t}", () => agreement.pictures) : word("enrol_first")];
}

function shotNodes() {
  const row = el("div", "shots"), now = wish.now;
  row.setAttribute("aria-hidden", "true");
  row.append(...Array.from({ length: agreement.pictures }, (_, i) => el("i", i < (now?.taken ?? 0) ? "set" : "")));
  const smile = el("b");
  smile.style.setProperty("--come", now?.state === "enrol_smile" ? now.come : 0);
  row.append(smile);
  return [row];
}

// drawShots says what is new, and leaves the rest alone: a screen reader reads it out.
function drawShots() {
  const [title, help] = shotWords();
  setText(find("h1", card), title);
  setText(find(".help", card), help);
  find(".form", card).replaceChildren(...shotNodes());
}

async function beginEnrol() {
  const mine = wish, text = mine.asks ? textNow() : {}, ago = mine.asks ? Date.now() - mine.agreed : 0;
  if (ago > agreedFor || ago < 0) {
    mine.agreed = 0;
    return drawCard("text", { told: word("enrol_stale") });
  }
  // The token is the page's own: where the answer is lost, the page still asks how it goes. An old browser over
  // plain HTTP has no randomUUID.
  const token = [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  Object.assign(mine, { token, stop: false, now: null });
  drawCard("sending");
  const a = await ask("POST", "/counter/enrol", { token, name: mine.again ? "" : mine.name.trim(), again: mine.again, version: text.version ?? "",
    lang: text.lang ?? "", explained: mine.explained.trim(), pin: mine.pin, digits: mine.digits.trim(), agreed: mine.agreed > 0, ago_ms: ago });
  if (wish !== mine) return void ask("POST", "/counter/enrolment", { token, stop: true });
  if (a.status === 401) return tick();
  if (a.status !== 200 && settled(a)) return enrolFailed(a);
  if (a.status === 200) drawCard("shots");
  followEnrol();
}

// followEnrol asks how it goes until it has ended, and takes the consent back where the wish is stopped.
async function followEnrol() {
  clearTimeout(enrolTimer);
  const mine = wish, token = mine.token, a = await ask("POST", "/counter/enrolment", { token, stop: mine.stop });
  // Two questions may be under way, one from before the stop: the first that knows the end tells it.
  if (wish !== mine || mine.token !== token || root.dataset.view !== "open") return;
  if (a.status === 401) return tick();
  if (a.status === 200 && !a.data.ended) {
    mine.now = a.data;
    if (cardStep === "shots") drawShots();
    else if (!mine.stop) drawCard("shots");
  } else if (a.status === 200 && a.data.failed) return enrolFailed({ status: 409, data: a.data.failed });
  else if (a.status === 200) return enrolled(a.data);
  else if (a.status === 409 && a.data?.why === "not_begun") return enrolFailed(a);
  else if (cardStep === "shots") setText(find(".help", card), word("enrol_silent")); // whatever refuses: it may have ended well
  clearTimeout(enrolTimer);
  enrolTimer = setTimeout(followEnrol, 500); // also when no answer came
}

function stopEnrol() {
  wish.stop = true;
  drawCard("stopping");
  followEnrol();
}

function enrolled(e) {
  const { pin, again, stop } = wish;
  Object.assign(wish, { token: "", pin: "" });
  readCustomers();
  one = { ...one, id: e.id, name: e.name };
  if (stop) return drawCard("said", { title: word(again ? "enrol_renewed" : "enrol_done", e.name),
    help: [word(again ? "enrol_late_again" : "enrol_late"), pin ? word("pin_set") + "." : ""].filter(Boolean).join(" "), buttons: forgetOrClose() });
  drawCard("said", { title: word(again ? "enrol_renewed" : "enrol_done", e.name),
    help: [word(e.smile ? "enrol_smile_seen" : "enrol_smile_none"), pin ? word("pin_set") + "." : ""].filter(Boolean).join(" ") });
}

// forgetOrClose are the ways on from a consent that was taken back, and a customer who is there: no Enter takes either.
const forgetOrClose = () => [choice(word("cust_forget"), forgetLate, "warn"), choice(word("close"), leaveCard, "wide")];

// forgetLate goes on to erase who was enrolled when the consent was taken back too late.
async function forgetLate() {
  const id = one.id;
  endEnrol();
  drawCard("sending");
  await readCustomers();
  if (one?.id !== id || root.dataset.view !== "open") return;
  one = folkAll.find((c) => c.id === id) ?? one;
  drawCard("forget");
}

// enrolFailed says why nobody was enrolled, and goes to the step that can mend it.
function enrolFailed(a) {
  const why = a.data?.why, said = saidOf(a), close = choice(word("close"), leaveCard, "wide"), again = !!one.id, stays = again && why === "withdrawn";
  wish.token = "";
  if (["who", "taken", "digits"].includes(why) && !again) return drawCard("name", { told: said.help });
  if (why === "pin") return askPIN(said.help, pinChosen);
  readCustomers(); // what the list says holds, whatever became of the answers
  if (["other_face", "incomparable"].includes(why)) Object.assign(wish, { asks: true, agreed: 0 }); // whose face it is has to agree
  const next = ["other_face", "incomparable"].includes(why) ? choice(word("enrol_second"), () => askSecond(), "wide go") :
    choice(word("enrol_again"), () => why === "text" ? startEnrol({ ...one, name: wish.name, agreed: null }) : drawCard("ready"), "wide go");
  drawCard("said", { title: word(again ? "enrol_not_renewed" : "enrol_failed"), help: stays ? word("enrol_stays") : said.help,
    buttons: stays ? forgetOrClose() : ["withdrawn", "face", "customer", "not_begun"].includes(why) ? undefined : [next, close] });
}

// A second person, by name and PIN, and a new PIN of the customer: then the pictures are taken anew.
function askSecond(told = "") {
  typedPIN = "";
  wish.second ??= "";
  drawCard("second", { told });
}

async function sendVouch() {
  const mine = wish, digits = typedPIN;
  typedPIN = "";
  drawCard("sending");
  const a = await ask("POST", "/counter/vouch", { id: mine.again, name: mine.second.trim(), pin: digits });
  if (wish !== mine || root.dataset.view !== "open" || a.status === 401) return tick();
  if (a.status === 200) drawCard("text");
  else askSecond(saidOf(a).help);
}

find(".form", card).addEventListener("submit", (e) => e.preventDefault());
// A form of two fields sends nothing by itself.
find(".form", card).addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.repeat || e.isComposing || !e.target.matches("input:not([type=checkbox])")) return;
  e.preventDefault();
  if (cardStep === "second") return find("h1", card).focus(); // the digits that come are the PIN's
  find(".col .go", card)?.click(); // which does nothing while it is disabled
});
