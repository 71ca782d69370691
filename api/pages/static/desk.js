"use strict";
/* What the pages gain where scripts run. Everything can be read and decided without it. */

const number = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function rows() {
  return [...document.querySelectorAll("#list tbody tr, [data-rows] tbody tr")];
}

/* What the chosen rows come to, by supplier. A changed quantity counts at the same price for a unit. */
function addUp() {
  const sum = document.getElementById("sum");
  if (!sum) return;
  const chosen = rows().filter((row) => row.querySelector("input[name=place]:checked, input[name=review]:checked"));
  const money = new Map();
  let unknown = 0, changed = false;
  for (const row of chosen) {
    const { supplier, currency, value } = row.dataset;
    const seen = Number(row.querySelector("input[name^='seen:']")?.value ?? 1);
    const typed = row.querySelector(".quantity")?.value.replace(/[, \u202f]/g, "");
    const quantity = typed === undefined ? seen : Number(typed);
    if (value === "" || !seen || Number.isNaN(quantity)) { unknown += 1; continue; }
    changed ||= quantity !== seen;
    const place = supplier + "\n" + currency;
    money.set(place, (money.get(place) ?? 0) + (Number(value) * quantity) / seen);
  }
  const parts = [...money].map(([place, value]) => {
    const [supplier, currency] = place.split("\n");
    return `${supplier} ${changed ? "about " : ""}${number.format(value)} ${currency}`;
  });
  if (unknown) parts.push(`${unknown} without a price`);
  sum.textContent = chosen.length ? `${chosen.length} chosen: ${parts.join(" · ")}` : "Nothing is chosen.";
}

/* Times stand in UTC on the page, and in the browser's zone where scripts run. */
const dateAndTime = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.dataset.local = "yes";
    time.title = time.textContent;
    time.textContent = dateAndTime.format(moment);
  }
}

function go(step) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.classList.contains("current"));
  const next = all[Math.min(all.length - 1, Math.max(0, now + step))];
  if (now >= 0) all[now].classList.remove("current");
  next.classList.add("current");
  (next.querySelector("a") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

const current = () => document.querySelector("tr.current");
const KEYS = {
  "/": () => (document.getElementById("find") ?? document.querySelector("input[name=text], textarea[name=message]"))?.focus(),
  j: () => go(1),
  k: () => go(-1),
  x: () => current()?.querySelector("input[type=checkbox]:not(:disabled)")?.click(),
  e: () => (current() ?? document).querySelector(".quantity")?.select(),
  a: () => document.querySelector("button[data-key=a], button[name=deed][value=order]")?.focus(),
  "?": () => document.getElementById("help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("change", (event) => {
  if (event.target.id === "all") {
    for (const row of rows()) {
      const box = row.querySelector("input[name=place]:not(:disabled), input[name=review]:not(:disabled)");
      if (box) box.checked = event.target.checked;
    }
  }
  addUp();
});
document.addEventListener("input", addUp);
document.addEventListener("htmx:afterSettle", () => { addUp(); localTimes(); });

/* A form is sent once; what it carries would make a second sending the same deed anyway. */
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "yes";
  const { busy, busyEvents } = event.submitter?.dataset ?? {};
  if (busy) showBusy(event.target, busy, busyEvents);
});

/* What long work says of itself: in words, and on a bar. */
function follow(address, words, bar) {
  const source = new EventSource(address);
  source.addEventListener("progress", (event) => {
    const told = JSON.parse(event.data);
    words.textContent = told.words;
    if (told.total) [bar.max, bar.value] = [told.total, told.done];
  });
  return source;
}

/* What takes long says so, for how long already, and how much of it is done where that is known. */
function showBusy(form, words, events) {
  const sign = document.createElement("p"), began = Date.now();
  sign.className = "busy";
  sign.innerHTML = '<span role="status"></span> <span></span><progress></progress>';
  const [said, clock, bar] = sign.children;
  bar.setAttribute("aria-label", words);
  form.append(sign);
  said.textContent = words;
  const tick = () => { clock.textContent = `${Math.round((Date.now() - began) / 1000)} s so far.`; };
  tick();
  sign.dataset.timer = setInterval(tick, 1000);
  const source = events && follow(events, said, bar);
  if (source) window.addEventListener("pagehide", () => source.close(), { once: true });
}

/* Files on their way: how much of them is sent. What the service refuses, it says on a page of its own. */
document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const sign = target.querySelector(".busy"), mega = (bytes) => (bytes / 1e6).toFixed(1);
  if (!sign || !detail.lengthComputable || !detail.total) return;
  const bar = sign.querySelector("progress"), sent = detail.loaded === detail.total;
  [bar.max, bar.value] = [detail.total, detail.loaded];
  if (sent) bar.removeAttribute("value");
  const words = sent ? `${mega(detail.total)} MB are sent, and read now.` : `${mega(detail.loaded)} of ${mega(detail.total)} MB are sent.`;
  sign.querySelector("[role=status]").textContent = words;
});
for (const failed of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failed, ({ target }) => { if (target.matches("form[hx-post]")) target.submit(); });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const sign of document.querySelectorAll(".busy")) { clearInterval(sign.dataset.timer); sign.remove(); }
  addUp();
  localTimes();
});

/* Progress of long work: `data-progress` is the address of its events. */
for (const place of document.querySelectorAll("[data-progress]")) {
  const said = place.querySelector("[data-words]"), source = follow(place.dataset.progress, said, place.querySelector("progress"));
  source.addEventListener("end", () => { source.close(); window.location.reload(); });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) said.textContent += ". Reload the page to see how far it is now.";
  });
}

/* A question is sent by Enter. With Shift it begins a line. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("[data-enter-sends]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

/* An answer that is being made: `data-answering` is the address of its events. Once it is there, htmx puts it in place. */
for (const place of document.querySelectorAll("[data-answering]")) {
  const source = new EventSource(place.dataset.answering);
  const step = place.querySelector("[data-words]"), text = place.querySelector("[data-text]");
  source.addEventListener("step", (event) => { step.textContent = JSON.parse(event.data).words; });
  source.addEventListener("text", (event) => { text.textContent += JSON.parse(event.data).words; });
  source.addEventListener("end", () => { source.close(); htmx.trigger(place, "answered"); });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) step.textContent = "The connection was cut. Reload the page to see the answer.";
  });
}
