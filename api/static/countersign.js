// Enhancement only: every form works without this script. A form with data-autosave is saved while it is typed.
"use strict";

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const said = form.querySelector("[data-saved]");
  const preview = document.querySelector("[data-preview]");
  let timer = 0;
  let sending = false;
  let dirty = false;

  const save = async () => {
    if (sending) { return; }
    sending = true;
    dirty = false;
    const body = new FormData(form);
    body.set("action", "autosave");
    body.set("key", "auto-" + crypto.randomUUID());
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const saved = page.querySelector("[data-saved]");
        const fresh = page.querySelector("[data-preview]");
        if (said && saved) { said.textContent = saved.textContent; }
        if (preview && fresh) { preview.replaceChildren(...fresh.childNodes); }
      }
    } catch {
      dirty = true; // the next change, or the button, tries again
    }
    sending = false;
    if (dirty) { later(); }
  };
  const later = () => {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, 4000);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", () => clearTimeout(timer));
}

// A phrase goes into the remark at once; without this script the page comes back with it.
for (const phrase of document.querySelectorAll("button[name=phrase]")) {
  phrase.addEventListener("click", (event) => {
    const remark = document.getElementById("remark");
    event.preventDefault();
    remark.value = [remark.value.trim(), phrase.value].filter(Boolean).join(" ");
    remark.focus();
  });
}

// A second tap while the first is under way would only be told what the first did.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); }
    form.dataset.sent = "1";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; }
});
