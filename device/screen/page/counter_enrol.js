// Enrolling on the counter's page: the name, what the customer agrees to, a PIN, and the pictures that the terminal's own camera
// takes. While they are taken this page asks twice a second: when it does not, the consent is taken back.
"use strict";

let wish = null; // who is being enrolled: {name, again, digits, lang, explained, agreed, pin, token, now}
let agreement = null; // the terminal's word on what has to be asked
let enrolTimer = 0, vouched = false;

// startEnrol begins with a new customer, or with new pictures of one.
async function startEnrol(c) {
  one = c ?? { id: "", name: "" };
  drawCard("sending");
  const mine = one, a = await ask("GET", "/counter/consent");
  if (one !== mine || root.dataset.view !== "open" || a.status === 401) return tick();
  if (a.status !== 200) return drawCard("said", { ...saidOf(a), buttons: undefined });
  agreement = a.data;
  wish = { name: one.name, again: one.id, digits: "", lang: root.lang, explained: agreement.clerk ?? "", agreed: false, pin: "", token: "", now: null };
  vouched = false;
  drawCard(one.id ? "ready" : "name");
}

// endEnrol forgets what was typed, and takes a consent back that runs.
function endEnrol() {
  clearTimeout(enrolTimer);
  if (wish?.token) ask("POST", "/counter/enrolment", { token: wish.token, stop: true });
  wish = agreement = null;
}

// A page that is left takes the consent back at once: the terminal would wait for its next question.
addEventListener("pagehide", () => {
  if (wish?.token) fetch("/counter/enrolment", { method: "POST", keepalive: true, credentials: "same-origin",
    headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token: wish.token, stop: true }) });
});

// enrolBack goes one step back; from the pictures, by taking the consent back.
function enrolBack() {
  const before = { text: "name", pin: one.id ? "second" : "text", twice: "pin", ready: one.id ? "card" : "pin", second: "card" }[cardStep];
  if (cardStep === "shots") return stopEnrol();
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
  box.checked = wish.agreed;
  box.addEventListener("change", () => {
    wish.agreed = box.checked;
    mayGoOn();
  });
  label.append(box, el("span", "", word("enrol_agree")));
  return label;
}

function textNodes() {
  const text = agreement.texts.find((t) => t.lang === wish.lang) ?? agreement.texts[0], body = el("div", "body");
  body.tabIndex = 0;
  body.lang = text.lang;
  body.setAttribute("role", "document");
  body.setAttribute("aria-label", word("enrol_text"));
  body.append(...text.body.trim().split(/\n\s*\n/).map((p, i) => el(i ? "p" : "h2", "", p.replace(/\n/g, " "))));
  const langs = el("div", "langs");
  langs.append(...agreement.texts.map((t) => {
    const b = choice(word("lang_" + t.lang), () => {
      Object.assign(wish, { lang: t.lang, agreed: false }); // what was ticked was the other text
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
  text: () => [word("enrol_text"), word("enrol_text_help"), [], [goOn(() => askPIN("", pinChosen)), backButton()], textNodes()],
  ready: () => [word("enrol_ready"), word("enrol_ready_help"), [], [choice(word("enrol_go"), () => beginEnrol(), "wide go"), backButton()]],
  shots: () => [...shotWords(), [], [choice(word("enrol_stop"), stopEnrol, "wide")], shotNodes()],
  second: () => [word("enrol_second"), word("enrol_second_help"), [], [backButton()], [wishField("second", word("name"), { maxLength: 40, autocapitalize: "words" })]],
});

function nameTyped() {
  if (wish.name.trim()) drawCard("text");
}

// The pictures.

function shotWords() {
  const now = wish.now;
  if (now?.state === "enrol_smile") return [word("enrol_smile"), word("enrol_smile_help")];
  return [word("enrol_look"), now?.nobody ? word("enrol_nobody") : now?.advice ? words["instruction." + now.advice] : word("enrol_taken", now?.taken ?? 0).replace("{t}", () => agreement.pictures)];
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
  const mine = wish, text = agreement.texts.find((t) => t.lang === mine.lang) ?? agreement.texts[0];
  drawCard("sending");
  const a = await ask("POST", "/counter/enrol", { name: mine.again ? "" : mine.name.trim(), again: mine.again, version: mine.again ? "" : text.version,
    lang: mine.again ? "" : text.lang, explained: mine.explained.trim(), pin: mine.pin, digits: mine.digits.trim(), agreed: mine.agreed });
  if (wish !== mine) {
    if (a.status === 200) ask("POST", "/counter/enrolment", { token: a.data.token, stop: true });
    return;
  }
  if (a.status !== 200) return enrolFailed(a);
  Object.assign(mine, { token: a.data.token, now: null });
  drawCard("shots");
  followEnrol(false);
}

// followEnrol asks how it goes until it has ended. stop takes the consent back.
async function followEnrol(stop) {
  clearTimeout(enrolTimer);
  const mine = wish, a = await ask("POST", "/counter/enrolment", { token: mine.token, stop });
  if (wish !== mine || root.dataset.view !== "open") return;
  if (a.status === 401) return tick();
  if (a.status === 200 && !a.data.ended) {
    mine.now = a.data;
    if (cardStep === "shots") drawShots();
  } else if (a.status === 200 && a.data.failed) return enrolFailed({ status: 409, data: a.data.failed });
  else if (a.status === 200) return enrolled(a.data);
  else if (settled(a)) return enrolFailed(a);
  enrolTimer = setTimeout(() => followEnrol(stop), 500); // also when no answer came
}

function stopEnrol() {
  drawCard("sending");
  followEnrol(true);
}

function enrolled(e) {
  const pin = wish.pin, again = wish.again;
  Object.assign(wish, { token: "", pin: "" });
  readCustomers();
  drawCard("said", { title: word(again ? "enrol_renewed" : "enrol_done", e.name),
    help: [word(e.smile ? "enrol_smile_seen" : "enrol_smile_none"), pin ? word("pin_set") + "." : ""].filter(Boolean).join(" ") });
}

// enrolFailed says why nobody was enrolled, and goes to the step that can mend it.
function enrolFailed(a) {
  const why = a.data?.why, said = saidOf(a), close = choice(word("close"), leaveCard, "wide");
  wish.token = "";
  if (["who", "taken", "digits"].includes(why) && !one.id) return drawCard("name", { told: said.help });
  if (why === "pin") return askPIN(said.help, pinChosen);
  const next = why === "other_face" ? choice(word("enrol_second"), () => askSecond(), "wide go") : choice(word("enrol_again"), () => drawCard("ready"), "wide go");
  drawCard("said", { title: word("enrol_failed"), help: said.help, buttons: why === "withdrawn" || why === "face" ? undefined : [next, close] });
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
  if (a.status === 200) askPIN("", pinChosen);
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
