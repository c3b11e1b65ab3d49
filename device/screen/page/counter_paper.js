// What is printed: receipts, again and again, and closings. A receipt's code holds its words and no link.
"use strict";

const paper = find("dialog.paper");
const paperOpen = () => paper.open;

function closePaper() {
  if (paper.open) paper.close();
  find("dl", paper).replaceChildren();
  find(".code path", paper).setAttribute("d", "");
  setText(find("h1", paper), "");
}

// showPaper opens the sheet with rows of [name, value, class], and buttons below it.
function showPaper({ title, rows = [], note = "", code, help = "", buttons }) {
  setText(find("h1", paper), title);
  find("dl", paper).replaceChildren(...rows.flatMap(([name, value, kind]) => [el("dt", kind, name), el("dd", kind, value)]));
  setText(find(".fine", paper), note);
  setText(find(".help", paper), help);
  const svg = find(".code", paper), n = code?.length ?? 0;
  svg.toggleAttribute("hidden", !n);
  svg.setAttribute("viewBox", `-4 -4 ${n + 8} ${n + 8}`); // the quiet zone of four modules
  find("path", svg).setAttribute("d", (code ?? []).flatMap((line, y) => [...line].map((c, x) => c === "1" ? `M${x} ${y}h1v1h-1z` : "")).join(""));
  find(".col", paper).replaceChildren(...buttons);
  if (!paper.open) paper.showModal();
  find("h1", paper).focus();
}

const closeButton = () => choice(word("close"), closePaper);
const printButton = () => choice(word("print"), () => print(), "go");

async function openReceipt(id) {
  const a = await ask("GET", "/counter/receipt?" + new URLSearchParams({ id, lang: root.lang }));
  if (root.dataset.view !== "open" || a.status === 401) return;
  if (a.status !== 200) return showPaper({ title: word("receipt_failed"), help: Object.values(refusal(a.data)).join(" "), buttons: [closeButton()] });
  showPaper({ ...a.data, buttons: [printButton(), closeButton()] });
}

// sumRows are the rows of what came together, a currency after the other.
function sumRows(sums) {
  return sums.flatMap((s) => [
    [word("sum_paid", s.paid), signed(s.paid_amount, s.currency)],
    [word("sum_returned", s.returned), signed(s.returned_amount, s.currency)],
    [word("sum_net"), signed(s.net, s.currency), "net"],
    [word("sum_unpaid"), String(s.unpaid)],
    ...(s.untimed ? [[word("clock"), String(s.untimed)]] : []),
  ]);
}

// signed is an amount that may be below zero.
const signed = (amount, currency) => (amount.startsWith("-") ? "−" : "") + spoken(amount.replace("-", ""), currency);

const dayAndTime = (c) => new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }).format(new Date(c.at)) +
  (c.at_unsure ? " ?" : "");

function openClosing(c) {
  showPaper({ title: word("closing", c.number), note: word("not_fiscal"), buttons: [printButton(), closeButton()],
    rows: [[word("receipt.shop"), find(".shop").textContent.trim()], [word("closed_at"), dayAndTime(c)],
      ...(c.by ? [[word("closed_by"), c.by]] : []), ...sumRows(c.sums)] });
}

// The event comes later: the sheet may be open again by then.
paper.addEventListener("close", () => { if (!paper.open) closePaper(); });
