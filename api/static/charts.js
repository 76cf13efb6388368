// Charts stand as pictures. Where a mouse first points at one, what draws them is loaded and draws it again, so that each
// bar says what it is; keyboards and fingers have the table.
"use strict";

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const still = figure.querySelector("picture");
  const image = still.querySelector("img");
  const draw = async (event) => {
    if (event.pointerType === "touch" || !image.naturalWidth) { return; }
    figure.removeEventListener("pointerover", draw);
    try {
      const [answer] = await Promise.all([
        fetch(image.currentSrc.replace("format=svg", "format=json"), { credentials: "same-origin" }),
        import(figure.dataset.chart),
      ]);
      if (!answer.ok) { return; }
      const drawn = document.createElement("div");
      drawn.className = "drawn";
      drawn.setAttribute("role", "img");
      drawn.setAttribute("aria-label", image.alt);
      await window.vegaEmbed(drawn, await answer.json(), {
        ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true },
      });
      still.hidden = true;
      still.before(drawn);
      const other = matchMedia("(max-width: 640px), (prefers-color-scheme: dark)"); // then the picture is another one
      other.addEventListener("change", () => { drawn.remove(); still.hidden = false; }, { once: true });
    } catch {
      // the picture stays
    }
  };
  figure.addEventListener("pointerover", draw);
}
