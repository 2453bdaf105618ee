// Settings in the address, and results to take along.

function addressOf() {
  const several = document.querySelector("input[name=kind]:checked").value === "several";
  const parts = [centre === null ? ["counties", chosen.join(",")] : [centre.as, centre.text]];
  for (const name of Object.keys(USUAL)) {
    if (name === "radius_km" && several) continue;
    const value = byId(name).value.trim();
    // Own numbers that were not given are left out.
    if (value !== "" || !(OWN.includes(name) || name === "distance_km")) parts.push([name, value]);
  }
  return parts.map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2C/g, ",")}`).join("&");
}

const OWN = ["own_referrals", "waiting_list", "own_visits_a_day", "own_limb_loss", "own_plp"];
let keeping = 0;
function keepInAddress() {
  window.clearTimeout(keeping);
  keeping = window.setTimeout(() => window.history.replaceState(null, "", `#${addressOf()}`), 200);
}

/** Set the fields from the address; what it does not name is as usual, what is wrong is said. */
function restore() {
  const given = Object.fromEntries(
    window.location.hash.slice(1).split("&").filter((part) => part.includes("=")).map((part) => {
      const at = part.indexOf("=");
      let value = part.slice(at + 1);
      try {
        value = decodeURIComponent(value);
      } catch {
        // Shown beside its field as it came.
      }
      return [part.slice(0, at), value];
    }),
  );
  linkFaults = Object.keys(given)
    .filter((name) => !["counties", "zip", "city"].includes(name) && !(name in USUAL))
    .map((name) => `The link has an unknown setting “${name}”, which was left out.`);
  countyFault = "";
  byId("county").value = "";
  if ("counties" in given) {
    const codes = [...new Set(given.counties.split(",").filter(Boolean))];
    const unknown = codes.filter((code) => !grid.at.has(code));
    chosen = codes.filter((code) => grid.at.has(code));
    if (unknown.length) countyFault = `The link has no known county “${unknown.join(", ")}”; expected five-digit codes of counties of 2023.`;
  }
  if ("counties" in given) centre = null;
  for (const as of ["zip", "city"]) {
    if (!(as in given)) continue;
    const known = as === "zip" ? grid.zips.found.has(given.zip) : grid.zips.byCity.has(given.city);
    if ("counties" in given) linkFaults.push(`The link has a ${as} and counties; the ${as} was left out.`);
    else if (known) {
      centre = { ...(as === "zip" ? zipPoint(grid.zips, given.zip) : cityPoint(grid.zips, given.city)), as, text: given[as] };
      chosen = [];
    } else countyFault = `The link has no known ${as === "zip" ? "ZIP code" : "city"} “${given[as]}”; choose a place.`;
  }
  const several = chosen.length > 1;
  if (several && (given.radius_km ?? "") !== "") linkFaults.push("The link has a radius and several counties; the radius was left out.");
  document.querySelector(`input[name=kind][value=${several ? "several" : "around"}]`).checked = true;
  for (const [name, usual] of Object.entries(USUAL)) {
    // A link that says where, and no radius, means those counties alone.
    const value = given[name] ?? (name === "radius_km" && "counties" in given ? "" : usual);
    const field = byId(name);
    field.value = value;
    if (field.tagName === "SELECT" && field.value !== value) {
      field.value = "";
      field.dataset.unknown = value;
    }
  }
  if (OWN.some((name) => byId(name).value !== "")) byId("own").open = true;
  update();
}

// Taking it along ----------------------------------------------------------------------------------

/** The answer, the settings and the inputs as rows of cells. */
function sheets() {
  const { settings, rows } = answered;
  const number = (value, unit) => (Number.isFinite(value) ? value : shown(value, unit, grid));
  const basis = (row) =>
    notesOf(row.key, settings).map((i) => `${i + 1}: ${content.footnotes[i].cited}`).join("; ");
  const typed = { accepting: settings.accepting_percent, choosing: settings.served_percent };
  const results = rows.filter(({ key }) => key in content.labels).map((row) => [
    row.key, labelOf(row, settings), row.unit, ...[row.median, row.low, row.high].map((value) => number(value, row.unit)),
    (typed[row.key] ?? null) !== null ? "your number" : basis(row),
  ]);
  const notes = content.footnotes.map((note, i) => [i + 1, note.label, note.scenario, note.value, note.cited, note.note]);
  const said = sixSentences(grid, rowsByKey(answered), wordsOf(grid, settings)).map((sentence, i) => [content.questions[i], sentence]);
  const inWords = [["Place", areaName(answered)], ["Counties", answered.area.map((i) => grid.fips[i]).map((code) => `${code} ${places.names[grid.at.get(code)]}`).join("; ")], ["Radius in km", settings.radius_km ?? "none"], ...settingsInWords(settings), ["Link", `#${addressOf()}`], ["Made from", document.querySelector("footer p").textContent], ["What it is", "A projection with 95% intervals of what is not known; no forecast, no health advice. Limb loss is not phantom limb pain."]];
  return [
    { name: "In short", widths: [34, 120], rows: [["question", "answer"], ...said] },
    { name: "Results", widths: [28, 48, 12, 14, 14, 14, 60], rows: [["key", "what", "unit", "median", "low_95", "high_95", "rests_on"], ...results] },
    { name: "Settings", widths: [24, 80], rows: [["setting", "value"], ...inWords] },
    { name: "Assumptions", widths: [6, 36, 20, 28, 40, 80], rows: [["no", "input", "only_in_scenario", "value", "source", "note"], ...notes] },
  ];
}

byId("copy").addEventListener("click", copyLink);
byId("csv").addEventListener("click", () => {
  const [said, results, settings, notes] = sheets().map((sheet) => sheet.rows);
  save(new Blob([csvText([...results, [], ...said, [], ...settings, [], ...notes])], { type: "text/csv;charset=utf-8" }), "clinic_plan.csv");
});
byId("xlsx").addEventListener("click", () => save(workbook(sheets()), "clinic_plan.xlsx"));
byId("print").addEventListener("click", () => window.print());
byId("area-list").addEventListener("toggle", () => {
  if (byId("area-list").open) showCounties();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  // The address holds the settings, so links within the page only move the eye.
  if (link?.dataset.to !== undefined) {
    event.preventDefault();
    byId(link.dataset.to).focus();
  } else if (link?.dataset.note !== undefined) {
    event.preventDefault();
    byId("rests").open = true;
    const row = byId(`note-${link.dataset.note}`);
    row.scrollIntoView({ block: "center" });
    row.focus();
  } else if (link?.getAttribute("href") === "#answer") {
    event.preventDefault();
    byId("answer").focus();
  }
});
