// Sheaf's own module. Every page works without it.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A button that needs this module is hidden until it runs.
for (const button of all("[data-needs-js]")) button.hidden = false;

// What is wrong comes first: the summary, else the field that has the error.
document.querySelector("[data-summary]")?.focus();

for (const button of all("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    const word = button.querySelector("[data-copy-text]");
    word.textContent = "Copied";
    setTimeout(() => { word.textContent = "Copy"; }, 2000);
  });
}

for (const button of all("[data-print]")) button.addEventListener("click", () => print());

// One submit is enough. Coming back by the browser's history allows another.
for (const form of all("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-disabled", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of all("form[data-sent]")) delete form.dataset.sent;
  for (const button of all("button[aria-disabled]")) button.removeAttribute("aria-disabled");
});

// What is going on just now is looked at again every two seconds, for ten minutes at most.
const going = document.querySelector("[data-live=running]");
if (going) {
  let left = 300;
  const look = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
      if (fresh?.dataset.live !== "running") return location.reload();
      const now = document.querySelector("[data-live]");
      if (!now.contains(document.activeElement)) now.replaceWith(fresh);
    }
    if (--left > 0) setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}

// What was paid is no longer chosen.
if (document.querySelector("[data-paid]")) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("ticks:")) sessionStorage.removeItem(key);
}

// The pay form: totals, ticks of many, and a list that narrows as one types.
const pay = document.querySelector("form[data-pay]");
if (pay) startPay(pay);

function startPay(form) {
  const boxes = all("input[name=invoice]", form);
  const credits = all("input[name=credit]", form);
  const output = form.querySelector("[data-total]");
  const served = boxes.some((box) => box.checked);
  const key = "ticks:" + location.pathname;

  restore();
  form.addEventListener("input", update);
  for (const link of all("[data-pick]")) link.addEventListener("click", pick);
  narrow();
  update();

  function pick(event) {
    event.preventDefault();
    const { pick: which, pickVendor: vendor } = event.currentTarget.dataset;
    for (const box of boxes) {
      if (box.closest("tr").hidden || box.closest(".new-vendors")) {
        if (which === "none") box.checked = false;
        continue;
      }
      if (which === "vendor") {
        if (box.dataset.of === vendor) box.checked = true;
      } else if (which === "none") box.checked = false;
      else if (which === "all" || box.dataset.overdue !== undefined) box.checked = true;
    }
    update();
  }

  function update() {
    const sums = new Map();
    let count = 0;
    let wrong = 0;
    for (const box of boxes) {
      const field = form.elements["amount-" + box.value];
      if (!box.checked) continue;
      count += 1;
      const minor = parseMinor(field?.value ?? "", Number(box.dataset.digits));
      const bad = minor === null || minor <= 0 || minor > Number(box.dataset.minor);
      if (field) {
        if (bad) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
      }
      if (bad) wrong += 1;
      else add(sums, box, minor, minor === Number(box.dataset.full) ? Number(box.dataset.charge) - minor : 0);
    }
    for (const box of credits) if (box.checked) add(sums, box, -Number(box.dataset.minor), 0);
    show(sums, count, wrong);
    keep();
  }

  // A credit lowers what its own vendor gets, never below nothing. Discounts and
  // late fees are exact where no credit is set against them; else the next page
  // counts them, and the sum says that it does not.
  function add(sums, box, minor, extra) {
    const { cur, digits, of } = box.dataset;
    if (!sums.has(cur)) sums.set(cur, { digits: Number(digits), vendors: new Map() });
    const vendors = sums.get(cur).vendors;
    const part = vendors.get(of) ?? { minor: 0, extra: 0, some: false, credit: false };
    part.minor += minor;
    part.extra += extra;
    part.some ||= extra !== 0;
    part.credit ||= minor < 0;
    vendors.set(of, part);
  }

  function show(sums, count, wrong) {
    const parts = [span("paybar-count", count === 0 ? "Tick what you want to pay." : count + (count === 1 ? " invoice" : " invoices") + " ticked.")];
    let before = false;
    for (const [cur, { digits, vendors }] of [...sums].sort()) {
      let minor = 0;
      for (const part of vendors.values()) {
        minor += Math.max(0, part.minor) + (part.credit ? 0 : part.extra);
        before ||= part.credit && part.some;
      }
      if (count > 0) parts.push(amount(cur, minor, digits));
    }
    if (before) parts.push(span("paybar-count", "Before discounts and late fees."));
    if (wrong) parts.push(span("paybar-wrong", wrong + (wrong === 1 ? " amount needs" : " amounts need") + " your attention."));
    if (output.textContent !== parts.map((part) => part.textContent).join("")) output.replaceChildren(...parts);
  }

  // Ticks and amounts outlive a filter or a look at one invoice, in this tab.
  function keep() {
    const invoices = {};
    for (const box of boxes) if (box.checked) invoices[box.value] = form.elements["amount-" + box.value]?.value ?? "";
    sessionStorage.setItem(key, JSON.stringify({ invoices, credits: credits.filter((box) => box.checked).map((box) => box.value) }));
  }

  function restore() {
    if (served || /[?&](select|have)=/.test(location.search)) return;
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "{}");
    for (const box of boxes) {
      if (!(box.value in (kept.invoices ?? {}))) continue;
      box.checked = true;
      const field = form.elements["amount-" + box.value];
      if (field) field.value = kept.invoices[box.value];
    }
    for (const box of credits) if (kept.credits?.includes(box.value)) box.checked = true;
  }

  function narrow() {
    const search = document.querySelector("[data-filters] input[name=q]");
    const rows = all("tr[data-find]", form);
    search?.addEventListener("input", () => {
      const asked = search.value.trim().toLowerCase();
      let left = 0;
      for (const section of all("[data-vendor]", form)) {
        const named = section.querySelector("h2, h3").textContent.toLowerCase().includes(asked);
        let some = false;
        for (const row of all("tr[data-find]", section)) {
          row.hidden = !(named || row.dataset.find.includes(asked));
          some ||= !row.hidden;
        }
        section.hidden = !some;
        if (some) left += 1;
      }
      form.querySelector("[data-no-match]").hidden = left > 0 || rows.length === 0;
    });
  }
}

// Whole minor units from what a person typed; null when it is no amount.
function parseMinor(text, digits) {
  const match = /^(\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return null;
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > digits) return null;
  return Number(match[1].replaceAll(",", "") + fraction.padEnd(digits, "0"));
}

function span(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

function amount(cur, minor, digits) {
  const text = String(minor).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
  const sum = span("paybar-sum money", "");
  sum.append(span("cur", cur), "\u00a0" + whole + (digits ? "." + text.slice(-digits) : ""));
  return sum;
}
