// Who works here, for the owner: a list, somebody added, another PIN, and who has left. A PIN is typed twice, sent once, and
// is nowhere afterwards.
"use strict";

const staff = find("section.clerks"), person = find("dialog.person");
const roles = ["clerk", "owner", "technician"];
let staffRound = 0, staffDrawn = "", saving = false;

// readClerks asks who works here. Who may not change it has no such page.
async function readClerks() {
  if (root.dataset.view !== "open") return;
  const mine = ++staffRound, a = await ask("GET", "/counter/clerks");
  if (mine !== staffRound || root.dataset.view !== "open") return;
  if (a.status === 401) return tick();
  if (a.status === 200) drawClerks(a.data);
  else if (a.status === 409) setText(find(".trouble-said", staff), Object.values(refusal(a.data)).join(" "));
}

function clearClerks() {
  staffRound++;
  staffDrawn = "";
  find("ul", staff).replaceChildren();
  for (const p of staff.querySelectorAll(".trouble-said, .saved")) setText(p, "");
  root.removeAttribute("data-owner");
  closePerson();
}

function drawClerks(d) {
  root.toggleAttribute("data-owner", d.may);
  if (!d.may && root.dataset.tab === "clerks") find("nav [data-tab=take]").click();
  setText(find(".trouble-said", staff), "");
  const now = JSON.stringify(d);
  if (now === staffDrawn) return;
  staffDrawn = now;
  const held = document.activeElement?.closest("section.clerks li button")?.dataset;
  find("ul", staff).replaceChildren(...(d.clerks ?? []).map((c) => {
    const li = el("li"), who = el("div", "who-is"), acts = el("div", "acts"), unnamed = c.name === d.unnamed;
    const name = unnamed ? word("clerks_unnamed") : c.name;
    who.append(el("b", "", name + (c.name === d.me ? word("clerks_me") : "")),
      el("span", "more", word("role." + c.role) + " · " + word(c.pin ? "clerks_pin_set" : "clerks_pin_none")));
    const act = (text, kind, go) => {
      const b = choice(text, go);
      b.dataset[kind] = c.name;
      b.setAttribute("aria-label", text + ": " + name);
      acts.append(b);
    };
    if (!unnamed) act(word("clerks_new_role"), "newrole", () => openRole(c, name, c.name === d.me));
    act(word("clerks_new_pin"), "newpin", () => openPIN(c, name));
    act(word("clerks_remove"), "remove", () => openRemove(c, name, c.name === d.me));
    li.append(who, acts);
    return li;
  }));
  for (const [kind, name] of Object.entries(held ?? {})) find(`section.clerks button[data-${kind}="${CSS.escape(name)}"]`)?.focus();
}

// The sheet: what is asked, and what the terminal says to it.

function closePerson() {
  if (person.open) person.close();
  saving = false;
  find(".fields", person).replaceChildren(); // with what was typed
  for (const p of person.querySelectorAll("h1, .help, .said")) setText(p, "");
  find(".col", person).replaceChildren();
}

function showPerson({ title, help = "", fields = [], buttons, kind = "" }) {
  person.className = "person " + kind;
  setText(find("h1", person), title);
  setText(find(".help", person), help);
  setText(find(".said", person), "");
  find(".fields", person).replaceChildren(...fields);
  find(".col", person).replaceChildren(...buttons);
  if (!person.open) person.showModal();
  (find("input:not([hidden])", person) ?? find("h1", person)).focus(); // on no button: an Enter that is held would press it
}

function field(name, text, given) {
  const label = el("label", "", text), input = el("input");
  Object.assign(input, { name, required: true, autocomplete: "off", ...given });
  label.append(input);
  return label;
}

// pinFields are for a PIN that is typed twice; whose it is stands before them for what reads or keeps passwords.
function pinFields(name) {
  const whose = el("input");
  Object.assign(whose, { hidden: true, autocomplete: "username", value: name ?? "" });
  return [...(name ? [whose] : []), ...["pin", "pin2"].map((name) => field(name, word("clerks_" + name), { type: "password", inputMode: "numeric",
    maxLength: pinMost, pattern: "[0-9]*", autocomplete: "new-password" }))];
}

function roleFields(now = "clerk") {
  const box = el("fieldset", "roles");
  box.append(el("legend", "", word("clerks_role")), ...roles.map((r) => {
    const label = el("label"), input = el("input"), text = el("span");
    Object.assign(input, { type: "radio", name: "role", value: r, checked: r === now });
    text.append(el("b", "", word("role." + r)), el("span", "more", word("role_may." + r)));
    label.append(input, text);
    return label;
  }));
  return box;
}

const submitButton = (text, name = "go") => {
  const b = el("button", name, text);
  b.type = "submit";
  return b;
};
const cancelButton = () => choice(word("no_change"), closePerson);

let send = null; // what the sheet's form does: [path, what besides its fields, what is said then]

function openAdd() {
  send = ["add", {}, "clerks_added"];
  showPerson({ title: word("clerks_add"), fields: [field("name", word("clerks_name"), { maxLength: 40, autocapitalize: "words", autocomplete: "username" }), roleFields(), ...pinFields()],
    buttons: [submitButton(word("clerks_add_yes")), cancelButton()] });
}

function openRole(c, name, me) {
  send = ["role", { name: c.name }, "clerks_role_saved"];
  showPerson({ title: word("clerks_role_of", name), help: word(me ? "clerks_role_me" : "clerks_role_help"), fields: [roleFields(c.role)],
    buttons: [submitButton(word("clerks_role_yes")), cancelButton()] });
}

function openPIN(c, name) {
  send = ["pin", { name: c.name }, "clerks_pin_saved"];
  showPerson({ title: word("clerks_pin_of", name), help: word("clerks_pin_help"), fields: pinFields(name), buttons: [submitButton(word("clerks_pin_yes")), cancelButton()] });
}

function openRemove(c, name, me) {
  send = ["remove", { name: c.name }, "clerks_removed"];
  showPerson({ title: word("clerks_remove_sure", name), help: word(me ? "clerks_remove_me" : "clerks_remove_help"), kind: "sure",
    buttons: [submitButton(word("clerks_remove_yes"), "yes"), cancelButton()] });
}

async function savePerson(form) {
  if (saving) return;
  const said = find(".said", person), [path, what, done] = send, typed = Object.fromEntries(new FormData(form));
  const body = { ...what, ...typed };
  delete body.pin2;
  if ("pin" in typed && typed.pin !== typed.pin2) return refuse(word("clerks_unlike"));
  saving = true;
  setText(said, word("give_sending"));
  const a = await ask("POST", "/counter/clerks/" + path, body);
  if (!saving || root.dataset.view !== "open") return; // the page was locked
  saving = false;
  if (a.status === 401) return tick(); // one's own PIN, or one's own role
  if (a.status === 200) {
    closePerson();
    setText(find(".saved", staff), word(done, typed.name ?? what.name));
    return readClerks();
  }
  refuse(settled(a) ? refusal(a.data).what : word("clerks_unsure"));
}

// refuse says why not; the PINs are typed again.
function refuse(why) {
  setText(find(".said", person), why);
  const pins = person.querySelectorAll("[type=password]");
  for (const input of pins) input.value = "";
  pins[0]?.focus();
}

find(".add", staff).addEventListener("click", openAdd);
find("form", person).addEventListener("submit", (e) => {
  e.preventDefault();
  savePerson(e.target);
});
person.addEventListener("close", () => { if (!person.open) closePerson(); });
setInterval(() => { if (root.dataset.tab === "clerks") readClerks(); }, 10000);
