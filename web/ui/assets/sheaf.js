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
