// Enhancement only: every form works without this script. A form with data-autosave is saved while it is typed.
"use strict";

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const said = form.querySelector("[data-saved]");
  const preview = document.querySelector("[data-preview]");
  let timer = 0;
  let sending = false;
  let dirty = false;
  let stopped = false;

  const save = async () => {
    if (sending || stopped) { return; }
    sending = true;
    dirty = false;
    const body = new FormData(form);
    for (const file of form.querySelectorAll("input[type=file]")) { body.delete(file.name); } // sent with the button
    body.set("action", "autosave");
    body.set("key", "auto-" + crypto.randomUUID());
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok && said) { // saved elsewhere, or the session is over: the button says it on the whole page
        const why = page.querySelector("main .alert");
        said.textContent = why ? why.textContent : "";
        said.className = "alert stop";
        stopped = true;
      } else if (answer.ok) {
        const seen = form.querySelector("[name=seen]");
        const now = page.querySelector("[name=seen]");
        if (seen && now) { seen.value = now.value; }
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

// People and offices are offered while their name is typed; without this the button looks them up.
for (const input of document.querySelectorAll("input[data-lookup]")) {
  let asked = 0;
  input.addEventListener("input", () => {
    clearTimeout(asked);
    if (input.value.trim().length < 2 && !/[^\x00-\x7f]/.test(input.value)) { return; }
    asked = setTimeout(async () => {
      const answer = await fetch("/lookup/" + input.dataset.lookup + "?q=" + encodeURIComponent(input.value)).catch(() => null);
      if (!answer || !answer.ok) { return; }
      const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
      const found = (await answer.json()).found;
      input.list.replaceChildren(...found.map((one) => new Option(one.label[language] || one.label.zh || one.label.en, one.value)));
    }, 250);
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
