// The start: what does not change is written once, then the settings of the address are read.

function start() {
  for (const [name, choices] of Object.entries(CHOICES)) {
    byId(name).innerHTML = `<option value="" hidden></option>${choices.map(([value, words]) => `<option value="${value}">${escapeHtml(words)}</option>`).join("")}`;
  }
  for (const place of document.querySelectorAll("[data-typical]")) {
    place.textContent = content.footnotes.find(({ parameter }) => parameter === place.dataset.typical).value;
  }
  byId("n-draws").textContent = String(nation.n_draws);
  byId("visit-minutes").textContent = String(clinic.visit_minutes);
  byId("turnover-minutes").textContent = String(clinic.turnover_minutes);
  byId("footnotes").innerHTML = content.footnotes
    .map((note, i) => `<tr id="note-${i + 1}" tabindex="-1"><td>${i + 1}</td><td>${escapeHtml(note.label)}${note.scenario ? ` (scenario ${escapeHtml(note.scenario.replace(/_/g, " "))})` : ""}</td><td>${escapeHtml(note.value)}</td><td>${escapeHtml(note.cited)}</td><td>${escapeHtml(note.note)}</td></tr>`)
    .join("");
  byId("references").innerHTML = content.references.map((text) => `<li>${escapeHtml(text)}</li>`).join("");
  for (const name of Object.keys(USUAL)) byId(name).addEventListener("input", update);
  for (const radio of document.querySelectorAll("input[name=kind]")) {
    radio.addEventListener("change", () => {
      if (radio.value === "around" && chosen.length > 1) chosen = chosen.slice(0, 1);
      if (radio.value === "several") centre = null;
      update();
    });
  }
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", restore);
  restore();
}

window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showMap);

window.planner = { grid, lookUp, sixSentences, wordsOf, worthOfKnowing, shown, meanPain, took: 0 };
start();
