// Enhancement only: every form works without this script. A form with data-autosave is saved while it is typed; who
// leaves before that is asked.
"use strict";

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const said = form.querySelector("[data-saved]");
  const preview = document.querySelector("[data-preview]");
  let timer = 0;
  let stopped = false;
  let sending = false;
  let dirty = false;
  let leaving = false;
  let pressed = null; // the button, where it was pressed while a saving was under way

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
      const fresh = page.querySelector("[data-preview]");
      if (preview && fresh) { preview.replaceChildren(...fresh.childNodes); }
      for (const part of dirty ? [] : form.querySelectorAll("[data-live]")) { // not over what was typed meanwhile
        const now = page.getElementById(part.id);
        if (now && !part.contains(document.activeElement)) { part.replaceChildren(...now.childNodes); }
      }
      if (answer.ok) {
        const saved = page.querySelector("[data-saved]");
        if (said && saved) { said.textContent = saved.textContent; }
        for (const name of ["seen", "revision"]) { // what the next saving builds on
          const now = page.querySelector("input[name=" + name + "]");
          if (now && form.elements[name]) { form.elements[name].value = now.value; }
        }
      } else if (answer.status < 500) { // saved elsewhere, or the session is over: the button says it on the whole page
        const why = page.querySelector("main .alert");
        if (said && why) { said.textContent = why.textContent; said.className = "alert stop"; }
        stopped = true;
      } else {
        dirty = true;
      }
    } catch {
      dirty = true; // the next change, or the button, tries again
    }
    sending = false;
    if (pressed) {
      form.requestSubmit(pressed);
    } else if (dirty) {
      later();
    }
  };
  const later = () => {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, Number(form.dataset.autosave) || 4000);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    leaving = !sending;
    if (sending) { // it waits for what it builds on, or it would be told of a text that its own page saved
      pressed = event.submitter || form.querySelector("button");
      event.preventDefault();
    }
  });
  window.addEventListener("pageshow", () => { leaving = false; pressed = null; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && (dirty || sending || stopped)) { event.preventDefault(); }
  });
}

// The editor: from a problem to its place in the text, and parts of the language to the cursor.
const source = document.querySelector("textarea.code");
if (source) {
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-line]");
    if (!place) { return; }
    const lines = source.value.split("\n");
    const line = Math.max(0, Number(place.dataset.line) - 1); // 0: the text as a whole
    const start = lines.slice(0, line).join("\n").length + (line ? 1 : 0);
    event.preventDefault();
    source.focus();
    source.setSelectionRange(start + Math.max(0, Number(place.dataset.column) - 1), start + (lines[line] || "").length);
    source.scrollTop = (source.scrollHeight / lines.length) * Math.max(0, line - 5);
  });
  for (const button of document.querySelectorAll("[data-insert]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      source.setRangeText(button.parentElement.querySelector("code").textContent, source.selectionStart, source.selectionEnd, "end");
      source.focus();
      source.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
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

// Long work is looked at again until it is over; without this, loading the page anew shows how far it is.
for (const part of document.querySelectorAll("[data-refresh]")) {
  const look = async () => {
    const answer = document.hidden ? null : await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (answer && !answer.ok) { return; }
    const fresh = answer && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
    if (answer && !fresh) { location.reload(); return; } // it gave way to what came of it
    if (fresh) { part.replaceChildren(...fresh.childNodes); }
    if (!answer || fresh.dataset.refresh) { setTimeout(look, Number(part.dataset.refresh)); }
  };
  setTimeout(look, Number(part.dataset.refresh));
}

// Keys that lead somewhere, as the page /keyboard lists them; never while something is typed, and not where unwanted.
if ("keys" in document.body.dataset) {
  let prefix = "";
  let since = 0;

  const step = (by) => {
    const rows = [...document.querySelectorAll("main a.row-link")];
    const here = rows.findIndex((row) => row.parentElement.contains(document.activeElement));
    const next = rows[Math.max(0, Math.min(rows.length - 1, here + by))];
    if (next) { next.focus(); }
  };
  const choose = () => {
    const row = document.activeElement.closest("li");
    const box = row && row.querySelector("input[type=checkbox]");
    if (box) { box.checked = !box.checked; }
  };
  const help = async () => {
    const answer = document.querySelector("[data-help]") ? null : await fetch("/keyboard").catch(() => null);
    if (!answer || !answer.ok) { return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const dialog = document.createElement("dialog");
    dialog.append(...page.querySelector("[data-help]").childNodes);
    dialog.querySelector("form").hidden = false;
    dialog.setAttribute("aria-labelledby", "keys");
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  const lead = (key) => {
    const wanted = document.querySelector(key === "/" ? "main .search input:not([type=hidden])" : '[data-key="' + key + '"]');
    if (!wanted) { return false; }
    const folded = wanted.closest("main details");
    if (folded) { folded.open = true; }
    if (wanted.href) { wanted.click(); } else { wanted.focus(); }
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, dialog");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || !/^[a-z?/]$/.test(event.key)) { return; }
    const key = (event.timeStamp - since < 1500 ? prefix : "") + event.key;
    prefix = key === "g" ? "g " : "";
    since = event.timeStamp;
    const deed = { j: () => step(1), k: () => step(-1), x: choose, "?": help }[key];
    if (deed) { deed(); }
    if (deed || lead(key)) { event.preventDefault(); }
  });
}

// A second tap while the first is under way would only be told what the first did.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) { return; }
    if (form.dataset.sent) { event.preventDefault(); }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 5000); // the answer may be a file, and the page stays
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; }
});
