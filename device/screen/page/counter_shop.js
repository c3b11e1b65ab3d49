// The shop's day: what came together, its closing, and the table for the bookkeeper; the search in the payments. A closing
// has its id before it is asked for, and keeps it until the terminal has said what became of it.
"use strict";

const day = find("section.day");
let dayRound = 0, dayDrawn = "";
let closing = recall("counter.closing").id ?? ""; // asked for, and no answer came

async function readDay() {
  if (root.dataset.view !== "open" || root.dataset.tab !== "day") return;
  const mine = ++dayRound, a = await ask("GET", "/counter/day");
  if (mine !== dayRound || root.dataset.view !== "open") return;
  if (a.status === 200) drawDay(a.data);
  else if (a.status === 409) setText(find(".trouble-said", day), Object.values(refusal(a.data)).join(" "));
}

function clearDay() {
  dayRound++;
  dayDrawn = "";
  for (const box of day.querySelectorAll(".totals, ul")) box.replaceChildren();
  for (const p of day.querySelectorAll(".today h2, .since h2, .trouble-said, .none, .books .fine")) setText(p, "");
}

function totals(box, sums) {
  box.replaceChildren(...(sums.length ? sums : [null]).map((s) => {
    if (!s) return el("p", "none", word("nothing_yet"));
    const list = el("dl");
    list.append(...sumRows([s]).flatMap(([name, value, kind]) => [el("dt", kind, name), el("dd", kind, value)]));
    return list;
  }));
}

function drawDay(d) {
  const now = JSON.stringify(d);
  if (now === dayDrawn) return;
  dayDrawn = now;
  const last = d.closings[0], [y, m, n] = d.today.split("-").map(Number);
  setText(find(".trouble-said", day), "");
  setText(find(".today h2", day), word("today", new Intl.DateTimeFormat(root.lang, { dateStyle: "full" }).format(new Date(y, m - 1, n))));
  totals(find(".today .totals", day), d.sums ?? []);
  setText(find(".since h2", day), last ? word("since", last.number).replace("{t}", () => dayAndTime(last)) : word("since_ever"));
  totals(find(".since .totals", day), d.open ?? []);
  find(".close", day).disabled = !d.open?.length;
  setText(find(".closed .none", day), last ? "" : word("no_closing"));
  find(".closed ul", day).replaceChildren(...d.closings.map((c) => {
    const li = el("li"), b = choice("", () => openClosing(c));
    b.append(el("b", "", word("closing", c.number)), el("span", "", dayAndTime(c)), ...c.sums.map((s) => el("span", "net", signed(s.net, s.currency))));
    li.append(b);
    return li;
  }));
  for (const input of day.querySelectorAll("input")) {
    input.max = d.today;
    input.value ||= input.name === "to" ? d.today : d.today.slice(0, 8) + "01";
  }
}

// resumeClosing asks once more for a closing whose outcome this page was never told.
function resumeClosing() {
  if (closing) closeDay();
}

// askClose is the last question. What runs is told: it counts to the next day.
function askClose() {
  showPaper({ title: word("close_day") + "?", help: [word("close_help"), desk?.running ? word("close_running") : ""].filter(Boolean).join(" "),
    buttons: [choice(word("close_yes"), () => { closing ||= newID(); closeDay(); }, "go"), choice(word("no"), closePaper)] });
}

async function closeDay() {
  const id = closing;
  keep("counter.closing", { id }); // before it is sent
  showPaper({ title: word("give_sending"), buttons: [] });
  const a = await ask("POST", "/counter/close", { id });
  if (settled(a)) {
    closing = "";
    keep("counter.closing", {});
  }
  if (root.dataset.view !== "open") return; // it is asked for again when the page is
  if (a.status === 200) openClosing(a.data);
  else if (a.status !== 401) {
    const e = refusal(a.data);
    showPaper({ title: word(settled(a) ? "close_failed" : "close_open"), help: [e.what, e.do].filter(Boolean).join(" "),
      buttons: [...(settled(a) ? [] : [choice(word("give_again"), closeDay, "go")]), closeButton()] });
  }
  readDay();
}

// The table is asked for by the script, so that a page that was locked meanwhile says so.
async function saveTable(form) {
  const said = find(".books .fine", day), q = new URLSearchParams({ ...Object.fromEntries(new FormData(form)), lang: root.lang });
  setText(said, word("give_sending"));
  try {
    const a = await fetch("/counter/table?" + q, { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(30000) });
    if (a.status === 401) return tick();
    if (!a.ok) return setText(said, a.status === 409 ? Object.values(refusal(await a.json())).join(" ") : word("pin_failed"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await a.blob());
    link.download = decodeURIComponent(a.headers.get("Content-Disposition").split("''")[1]);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    setText(said, word("table_saved", link.download));
  } catch {
    setText(said, word("pin_failed"));
  }
}

// The search.

const sought = () => find(".search input").value.trim();

function foundWords(data) {
  if (!data.payments.length) return word("found_none");
  return word("found", data.payments.length) + (data.all ? "" : " " + word("found_more"));
}

let typing = 0;
find(".search").addEventListener("submit", (e) => {
  e.preventDefault();
  readBook();
});
find(".search input").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(readBook, 300);
});
find(".close", day).addEventListener("click", askClose);
find("form.table", day).addEventListener("submit", (e) => {
  e.preventDefault();
  saveTable(e.target);
});
setInterval(readDay, 10000);
