// The place: the map, the search, and counties chosen one by one.

let pains = { key: "", values: null };

function painOf(settings) {
  const key = `${settings.scenario} ${settings.year}`;
  if (pains.key !== key) pains = { key, values: meanPain(grid, settings) };
  return pains.values;
}

function showMap() {
  if (answered === null) return;
  const { settings, area } = answered;
  const measure = byId("measure").value;
  const key = `${settings.scenario} ${settings.year} ${measure}`;
  if (shaded !== key) {
    const pain = painOf(settings);
    const year = settings.year - nation.openings[0];
    map.people = residentsByCounty(year);
    map.shade(measure === "number" ? pain : pain.map((value, i) => (1e4 * value) / map.people[i]));
    map.pain = pain;
    shaded = key;
    showLegend(measure);
  }
  map.chosen = new Set(area);
  const zoomed = byId("zoom").getAttribute("aria-pressed") === "true";
  map.view = zoomed ? map.around(area) : map.whole();
  map.draw();
}

function residentsByCounty(year) {
  const { cells, share, residents: nationwide } = grid;
  return Float64Array.from({ length: grid.n }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < cells; k++) sum += nationwide[year * cells + k] * share[i * cells + k];
    return sum;
  });
}

function showLegend(measure) {
  const limits = map.limits.map((value) => value.toLocaleString("en-US"));
  const unit = measure === "number" ? "" : " per 10,000";
  byId("legend").innerHTML = COLOURS.map((colour, c) => {
    const words = c === 0 ? `below ${limits[0]}${unit}` : c === limits.length ? `${limits[c - 1]} or more` : `${limits[c - 1]} to ${limits[c]}`;
    return `<span><i style="background:${colour}"></i>${words}</span>`;
  }).join("");
}

byId("map").addEventListener("pointermove", (event) => {
  const i = map.values === null ? undefined : map.at(event);
  if (i !== undefined) pointAt(i);
});
byId("map").addEventListener("click", (event) => {
  const i = map.values === null ? undefined : map.at(event);
  if (i !== undefined) choose(i, { toggle: true });
});
byId("measure").addEventListener("change", showMap);
byId("zoom").addEventListener("click", () => {
  const zoom = byId("zoom");
  const pressed = zoom.getAttribute("aria-pressed") === "true";
  zoom.setAttribute("aria-pressed", String(!pressed));
  showMap();
});
window.addEventListener("resize", showMap);

function pointAt(i) {
  byId("pointed").textContent = `${places.names[i]}: about ${shown(map.pain[i], "people", grid)} people with phantom limb pain (mean of the draws), ${shown((1e4 * map.pain[i]) / map.people[i], "people", grid)} per 10,000 residents.`;
}

// Choosing counties --------------------------------------------------------------------------------

function choose(i, { toggle = false } = {}) {
  const code = places.fips[i];
  if (document.querySelector("input[name=kind]:checked").value === "around") chosen = [code];
  else if (!chosen.includes(code)) chosen = [...chosen, code];
  else if (toggle) chosen = chosen.filter((other) => other !== code);
  countyFault = "";
  byId("county").value = "";
  closeList();
  update();
  if (toggle) pointAt(i);
}

function matches(text) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found = [];
  search.forEach((name, i) => {
    if (words.every((word) => name.includes(` ${word}`))) found.push(i);
  });
  const start = ` ${words.join(" ")}`;
  const first = (i) => (search[i].startsWith(start) ? 0 : 1);
  return found.sort((a, b) => first(a) - first(b) || residents[b] - residents[a]);
}

function openList() {
  const field = byId("county");
  options = matches(field.value).slice(0, 12);
  active = options.length ? 0 : -1;
  byId("county-list").innerHTML = options.map((i, at) => `<li role="option" id="county-${at}" data-at="${at}" aria-selected="${at === active}">${escapeHtml(places.names[i])}</li>`).join("");
  byId("county-list").hidden = !options.length;
  field.setAttribute("aria-expanded", String(options.length > 0));
  showActive();
}

function closeList() {
  options = [];
  byId("county-list").hidden = true;
  byId("county-list").innerHTML = "";
  byId("county").setAttribute("aria-expanded", "false");
  byId("county").removeAttribute("aria-activedescendant");
}

function showActive() {
  const field = byId("county");
  byId("county-list").querySelectorAll("li").forEach((item, at) => {
    item.setAttribute("aria-selected", String(at === active));
    if (at === active) item.scrollIntoView({ block: "nearest" });
  });
  if (active >= 0) field.setAttribute("aria-activedescendant", `county-${active}`);
  else field.removeAttribute("aria-activedescendant");
}

/** What was typed and not chosen: one county that fits, or a fault. */
function settle() {
  const text = byId("county").value.trim();
  closeList();
  if (text === "") {
    if (countyFault !== "" && chosen.length) countyFault = "";
    return update();
  }
  const found = matches(text);
  if (found.length === 1) return choose(found[0]);
  countyFault = found.length
    ? `${found.length} counties fit “${text}”; choose one from the list.`
    : `No county “${text}”; expected a name, a state or a five-digit code of the 50 states or DC.`;
  return update();
}

byId("county").addEventListener("input", openList);
byId("county").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!options.length) openList();
    else active = (active + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length;
    showActive();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (active >= 0 && options.length) choose(options[active]);
    else settle();
  } else if (event.key === "Escape") {
    byId("county").value = "";
    settle();
  }
});
byId("county").addEventListener("blur", settle);
byId("county-list").addEventListener("mousedown", (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  if (item !== null) choose(options[Number(item.dataset.at)]);
});
byId("chosen").addEventListener("click", (event) => {
  const code = event.target.closest("button")?.dataset.remove;
  if (code === undefined) return;
  chosen = chosen.filter((other) => other !== code);
  update();
  byId("county").focus();
});
