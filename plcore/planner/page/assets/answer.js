// The answer: sentences, tables, and what each number rests on.

/** Read, work out, show; or say what is wrong and show nothing. */
function update() {
  const start = performance.now();
  const { settings, faults } = readFields();
  for (const name of ["county", ...Object.keys(USUAL)]) {
    byId(`${name}-error`).textContent = faults[name] ?? "";
    if (faults[name]) byId(name).setAttribute("aria-invalid", "true");
    else byId(name).removeAttribute("aria-invalid");
  }
  const link = byId("link-errors");
  link.textContent = linkFaults.join(" ");
  link.hidden = !linkFaults.length;
  showFields(settings);
  const wrong = Object.values(faults);
  byId("done").textContent = "";
  byId("link-shown").hidden = true;
  for (const id of ["said", "tables", "actions", "area-list", "place"]) byId(id).hidden = wrong.length > 0;
  byId("faults").hidden = !wrong.length;
  if (wrong.length) {
    answered = null;
    byId("faults").innerHTML = `<p>Nothing is shown until this is right:</p><ul>${Object.entries(faults).map(([name, text]) => `<li><a href="#${name}" data-to="${name}">${escapeHtml(text)}</a></li>`).join("")}</ul>`;
    byId("status").textContent = `Nothing is shown. ${wrong.join(" ")}`;
  } else {
    answered = { settings, ...lookUp(grid, settings) };
    showAnswer(answered);
    keepInAddress();
  }
  window.planner.took = performance.now() - start;
  window.requestAnimationFrame(showMap);
}

/** What the fields show besides their values. */
function showFields(settings) {
  const several = document.querySelector("input[name=kind]:checked").value === "several";
  byId("radius-field").hidden = several;
  byId("miles").textContent = settings.radius_km === null ? "" : `${shown(settings.radius_km, "km", grid)} km are ${shown(settings.radius_km / 1.609344, "miles", grid)} miles.`;
  byId("scenario-hint").textContent = nation.scenarios.find(({ name }) => name === settings.scenario)?.note ?? "";
  const point = centre === null ? "" : `<li>${escapeHtml(centre.name)}</li>`;
  const chips = point + chosen
    .map((code) => {
      const name = escapeHtml(places.names[grid.at.get(code)]);
      if (!several) return `<li>${name}</li>`;
      return `<li><button type="button" data-remove="${code}" aria-label="Remove ${name}">${name} ×</button></li>`;
    })
    .join("");
  // A button that is made anew between being pressed and let go is not clicked.
  if (chips !== chipsShown) byId("chosen").innerHTML = chipsShown = chips;
}

function valueOf(answer, key) {
  const row = answer.rows.find((each) => each.key === key);
  const [median, low, high] = [row.median, row.low, row.high].map((value) => shown(value, row.unit, grid));
  return { row, median, low, high, whole: low === high && low === median ? median : `${median} (${low} to ${high})` };
}

function labelOf(row, settings) {
  const year = settings.year + Number(row.key.match(/_(\d)$/)?.[1] ?? 1) - 1;
  const severity = settings.severity === "any" ? "of any severity" : content.severities[settings.severity];
  return content.labels[row.key].replace("{year}", year).replace("{severity}", severity);
}

function areaName({ settings, area }) {
  if (centre !== null) {
    return `Within ${shown(settings.radius_km, "km", grid)} km of ${centre.name}: ${area.length} ${area.length === 1 ? "county" : "counties"}`;
  }
  const first = places.names[grid.at.get(settings.counties[0])];
  if (settings.radius_km !== null) {
    return `${first} and what lies within ${shown(settings.radius_km, "km", grid)} km: ${area.length} ${area.length === 1 ? "county" : "counties"}`;
  }
  const more = settings.counties.length - 3;
  const named = settings.counties.slice(0, 3).map((code) => places.names[grid.at.get(code)]);
  return named.join("; ") + (more > 0 ? ` and ${more} more` : "");
}

/** The first kilometres within which half of an area's people live. */
function medianDistance(settings, area) {
  const people = peopleOf(grid);
  const site = siteOf(grid, settings, area);
  const away = area.map((i) => [greatCircleKm(grid, site, i), people[i]]).sort(([a], [b]) => a - b);
  const half = area.reduce((sum, i) => sum + people[i], 0) / 2;
  let sum = 0;
  return away.find(([, n]) => (sum += n) >= half)[0];
}

function caveats({ settings, area }) {
  const states = (flags) => [...new Set(area.filter((i) => flags[i]).map((i) => places.names[i].slice(-2)))].sort().join(", ");
  const [ages, diabetes] = [states(grid.agesEstimated), states(grid.diabetesOfState)];
  const same = [settings.distance_km, settings.served_percent, settings.own_referrals].every((value) => value === null);
  const km = medianDistance(settings, area);
  return (
    (same && km > 100 ? ` Half of the people live more than ${shown(km, "km", grid)} km from the clinic, and as many of them come as from next door, as no distance of travel is set.` : "") +
    (ages ? ` ${ages}: the ages of residents are estimated.` : "") +
    (diabetes ? ` ${diabetes}: diabetes is that of the whole state.` : "")
  );
}

function showAnswer(answer) {
  const { settings } = answer;
  byId("place").textContent = `${areaName(answer)}.${caveats(answer)}`;
  const said = sentences(answer);
  byId("said").innerHTML =
    `<p id="print-settings">${escapeHtml(settingsInWords(settings).map(([what, value]) => `${what}: ${value}`).join(" · "))}</p>` +
    said.map(({ question, text, warning }) => `<p${warning ? ' class="warning"' : ""}>${question === "" ? "" : `<strong>${escapeHtml(question)}</strong> `}${escapeHtml(text)}</p>`).join("");
  byId("status").textContent = said.map(({ text }) => text).join(" ");
  byId("tables").innerHTML = tables(answer).map((table) => tableHtml(answer, table)).join("");
  if (byId("area-list").open) showCounties();
}

function settingsInWords(settings) {
  const text = (name) => byId(name).selectedOptions[0].textContent;
  const percent = (value) => (value === null ? "uncertain" : `${value}%`);
  return [
    ["Opening", settings.year],
    ["Scenario", text("scenario")],
    ["Pain", text("severity")],
    ["Would have a course", percent(settings.accepting_percent)],
    ["Share served", percent(settings.served_percent)],
    ...(settings.distance_km === null ? [] : [["Distance of travel", `${settings.distance_km} km`]]),
    ["Course", `${text("infusions")}, then ${text("returns")}`],
    ["Clinic", `${settings.chairs} chairs, ${settings.hours} hours, Monday to Friday`],
    ...OWN.filter((name) => byId(name).value.trim() !== "").map((name) => [document.querySelector(`label[for=${name}]`).textContent, byId(name).value.trim()]),
  ];
}

function rowsByKey(answer) {
  return Object.fromEntries(answer.rows.map((row) => [row.key, row]));
}

/** The bounds of the number in pain, or where they are to be had; nothing for a bound itself or a count of one's own. */
function boundsInWords(answer, before = "") {
  const { settings } = answer;
  if (answer.rows.some(({ key }) => key === `${before}plp_major_only`)) {
    const [low, high] = ["plp_major_only", "plp_all_alike"].map((key) => valueOf(answer, before + key).median);
    return ` (${low} if only major losses hurt, ${high} if all losses hurt alike)`;
  }
  if (before) return "";
  const named = Object.values(content.nation.bounds);
  if (named.includes(settings.scenario) || settings.own_plp !== null) return "";
  const titles = named.map((bound) => `“${content.nation.scenarios.find(({ name }) => name === bound).title}”`);
  return ` (bounds: the scenarios ${titles.join(" and ")})`;
}

/** The six answers, and before them how many people there are. */
function sentences(answer) {
  const { settings } = answer;
  const at = (key) => valueOf(answer, key).whole;
  const bounds = boundsInWords(answer);
  const pain = settings.severity === "any" ? "" : `; in ${at("in_pain")} of them it is ${content.severities[settings.severity]}${boundsInWords(answer, "in_pain_")}`;
  const six = sixSentences(grid, rowsByKey(answer), wordsOf(grid, settings));
  const over = valueOf(answer, "never_clears").row.median >= 0.5;
  return [
    { question: "", text: `In ${settings.year} about ${at("limb_loss")} people here live with limb loss, and ${at("plp")} have phantom limb pain${bounds}${pain}.` },
    ...six.map((text, i) => ({ question: content.questions[i], text, warning: over && i === 2 })),
  ];
}

// Tables -------------------------------------------------------------------------------------------

/** Which rows stand where; a log scale for the bars unless they are shares. */
function tables(answer) {
  const over = valueOf(answer, "never_clears").row.median > 0;
  const named = (start) => answer.rows.filter(({ key }) => key.startsWith(start)).map(({ key }) => key);
  const before = answer.rows.map(({ key }) => key);
  return [
    { title: "Who would come", keys: before.slice(0, before.indexOf("choosing") + 1), note: "Each number rests on those before it as well, here and in the tables below." },
    { title: "When they come", keys: [...named("patients_"), ...named("infusions_")], note: "Infusions are all that the year's new patients lead to, returns included, if the clinic has room." },
    { title: "Visits and chairs", keys: ["busiest_year", "visits_a_week", "held_a_week", "visits_a_day", "nurses", "load", "never_clears", ...(over ? ["growth_a_week"] : []), "chairs_needed", "chairs_to_plan", "nurses_to_plan", "days_to_plan", "half_load", "half_chairs_needed", "half_chairs_to_plan", "no_list"] },
    { title: "Waiting, in the busiest year if it went on", keys: ["wait_mean", "wait_90th_percentile", "first_infusion_within_14_days", "first_infusion_within_30_days", "wait_by_luck"], note: "The first four: what we do not know. The last: what luck does when everything else is known; its limits hold four runs of five. Only the mean counts what a waiting list of the first day adds." },
  ];
}

function tableHtml(answer, { title, keys, note = "" }) {
  const rows = keys.map((key) => answer.rows.find((row) => row.key === key));
  const id = plain(title).replace(/\W+/g, "-");
  const bars = scales(rows);
  const body = rows.map((row) => {
    const { median, low, high } = valueOf(answer, row.key);
    const certain = row.low === row.high && row.low === row.median;
    return `<tr data-key="${row.key}"><th scope="row">${escapeHtml(labelOf(row, answer.settings))}${shortMark(row, answer.settings)}</th><td class="number">${median}</td><td class="number limits">${certain ? "" : `${low} to ${high}`}</td><td class="interval">${bars(row)}</td><td class="rests">${restsHtml(row, answer.settings)}</td></tr>`;
  });
  return `<section><h2 id="${id}">${escapeHtml(title)}</h2><div class="scroll" tabindex="0" role="region" aria-labelledby="${id}"><table><thead><tr><th scope="col">What</th><th scope="col" class="number">Median</th><th scope="col" class="number">95% interval</th><th scope="col" class="interval"><span class="unseen">Drawn</span></th><th scope="col" class="rests">Rests on</th></tr></thead><tbody>${body.join("")}</tbody></table></div>${note ? `<p class="hint">${escapeHtml(note)}</p>` : ""}</section>`;
}

/** A function from a row to its bar; rows of a unit share an axis. */
function scales(rows) {
  const axes = {};
  for (const unit of new Set(rows.map((row) => row.unit))) {
    const ends = rows.filter((row) => row.unit === unit).flatMap(({ low, high }) => [low, high]).filter((value) => Number.isFinite(value) && value > 0);
    if (!ends.length) continue;
    const linear = unit === "share" || unit === "chairs";
    const low = linear ? 0 : Math.log(Math.min(...ends) / 1.2);
    const high = linear ? Math.max(1, ...ends) : Math.log(Math.max(...ends) * 1.2);
    axes[unit] = (value) => {
      const at = linear ? value : Math.log(Math.max(value, 1e-300));
      return Math.min(Math.max((100 * (at - low)) / (high - low), 0), 100);
    };
  }
  return ({ unit, median, low, high }) => {
    if (!(unit in axes) || ![median, low, high].every(Number.isFinite) || low === high) return "";
    const [m, l, h] = [median, low, high].map((value) => axes[unit](value).toFixed(1));
    return `<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect x="${l}" y="3" width="${Math.max(h - l, 0.5).toFixed(1)}" height="4" class="band"/><rect x="${(m - 0.6).toFixed(1)}" y="1" width="1.2" height="8" class="mid"/></svg>`;
  };
}

/** The footnotes of a row: the scenario's where it has its own. */
function notesOf(key, settings) {
  const rests = content.rests_on;
  const names = rests[`${key}:${settings.severity}`] ?? rests[key] ?? [];
  const more = rests[`${key}:${settings.scenario}`] ?? [];
  return [...names, ...more].map((name) => {
    const own = content.footnotes.findIndex((note) => note.parameter === name && note.scenario === settings.scenario);
    return own >= 0 ? own : content.footnotes.findIndex((note) => note.parameter === name && note.scenario === "");
  });
}

/** What must stand beside a number: whether it was typed, or rests on what nobody measured. */
function marksOf(row, settings) {
  const typed = { accepting: settings.accepting_percent, choosing: settings.served_percent, limb_loss: settings.own_limb_loss, plp: settings.own_plp, patients_1: settings.own_referrals }[row.key] ?? null;
  if (typed !== null) return ["your number"];
  const notes = notesOf(row.key, settings);
  const words = { assumed: "assumed", secondary: "second hand", memory: "from memory" };
  const found = new Set(notes.map((i) => words[content.footnotes[i].seen]).filter(Boolean));
  return [...found].map((mark) => (notes.length > 1 ? `partly ${mark}` : mark));
}

/** The marks for paper and small windows, where there is no column for them. */
function shortMark(row, settings) {
  const marks = marksOf(row, settings);
  return marks.length ? `<span class="short-mark"> (${marks.join(", ")})</span>` : "";
}

function restsHtml(row, settings) {
  if (row.key === "residents") return "Census";
  const marks = marksOf(row, settings).map((mark) => `<span class="mark">${mark}</span>`);
  if (marks.join().includes("your number")) return marks.join("");
  const notes = notesOf(row.key, settings);
  const shownNotes = notes.length > 6 ? [notes[0], null, notes[notes.length - 1]] : notes;
  const links = shownNotes.map((i) => (i === null ? "to" : `<a href="#note-${i + 1}" data-note="${i + 1}" aria-label="Input ${i + 1}">${i + 1}</a>`));
  return marks.join("") + links.join(" ");
}

function showCounties() {
  if (answered === null) return;
  const { area, settings } = answered;
  const year = settings.year - nation.openings[0];
  const pain = painOf(settings);
  const rows = area.map((i) => `<tr><th scope="row">${escapeHtml(places.names[i])}</th><td>${grid.fips[i]}</td><td class="number">${shown(residentsOf(grid, [i], year), "people", grid)}</td><td class="number">${shown(pain[i], "people", grid)}</td></tr>`);
  byId("counties").innerHTML = `<div class="scroll" tabindex="0" role="region" aria-label="Counties of the area"><table><thead><tr><th scope="col">County</th><th scope="col">Code</th><th scope="col" class="number">Residents</th><th scope="col" class="number">In pain (mean of the draws)</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}
