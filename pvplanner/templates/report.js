// Shows the rows of the household table in which all words of the search stand.
"use strict";
(() => {
  const field = document.getElementById("find");
  const rows = [...document.querySelectorAll('[data-table="households"] tbody tr')];
  if (!field || !rows.length) return;
  const texts = rows.map((row) => [...row.cells].map((c) => c.textContent).join("\n").toLowerCase());
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    document.getElementById("found").value = words.length ? `${shown} / ${rows.length}` : "";
  });
})();
