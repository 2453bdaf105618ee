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
  const code = grid.fips[i];
  centre = null;
  if (document.querySelector("input[name=kind]:checked").value === "around") chosen = [code];
  else if (!chosen.includes(code)) chosen = [...chosen, code];
  else if (toggle) chosen = chosen.filter((other) => other !== code);
  countyFault = "";
  byId("county").value = "";
  closeList();
  update();
  if (toggle) pointAt(i);
}

/** A ZIP code or a city as the centre of the area. */
function centreOn(as, text) {
  centre = { ...(as === "zip" ? zipPoint(grid.zips, text) : cityPoint(grid.zips, text)), as, text };
  chosen = [];
  document.querySelector("input[name=kind][value=around]").checked = true;
  if (byId("radius_km").value.trim() === "") byId("radius_km").value = USUAL.radius_km;
  countyFault = "";
  byId("county").value = "";
  closeList();
  update();
}

let cities = null;
/** Cities by name, as they are searched: those with more ZIP codes first. */
function citySearch() {
  cities ??= [...grid.zips.byCity].sort((a, b) => b[1].length - a[1].length).map(([key]) => {
    const [name, state] = [key.slice(0, -4), key.slice(-2)];
    return [key, ` ${plain(`${name} ${state} ${places.states[state]}`)}`];
  });
  return cities;
}

/** What fits a text: { words, choose }, ZIP codes and counties of that code first. */
function matches(text) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  // One by one there are only counties.
  const several = document.querySelector("input[name=kind]:checked").value === "several";
  const county = (i, more = "") => ({ words: `${places.names[i]}${more}`, choose: () => choose(i) });
  if (/^\d{1,5}$/.test(words.join(""))) {
    // Some five digits are both a ZIP code and the code of a county; the ZIP code goes first.
    const code = words.join("");
    const found = !several && grid.zips.found.has(code) ? [{ words: zipPoint(grid.zips, code).name, choose: () => centreOn("zip", code) }] : [];
    grid.fips.forEach((fips, i) => {
      if (fips.startsWith(code)) found.push(county(i, ` (county code ${fips})`));
    });
    return found;
  }
  const fits = (name) => words.every((word) => name.includes(` ${word}`));
  const start = ` ${words.join(" ")}`;
  const first = (i) => (search[i].startsWith(start) ? 0 : 1);
  const counties = [...search.keys()].filter((i) => fits(search[i])).sort((a, b) => first(a) - first(b) || residents[b] - residents[a]);
  const near = several ? [] : citySearch().filter(([, name]) => name.startsWith(` ${words[0]}`) && fits(name));
  const [some, few] = near.length ? [counties.slice(0, 6), near.slice(0, 6)] : [counties, near];
  const found = [...some.map((i) => county(i)), ...few.map(([key]) => ({ words: `${key} (city)`, choose: () => centreOn("city", key) }))];
  found.total = counties.length + near.length;
  // A whole name, with its state, is that place, and the county where both are called so.
  const exact = counties.find((i) => plain(places.names[i]) === plain(text));
  const city = near.find(([key]) => plain(key) === plain(text));
  if (exact !== undefined) found.exact = () => choose(exact);
  else if (city !== undefined) found.exact = () => centreOn("city", city[0]);
  return found;
}

function openList() {
  const field = byId("county");
  options = matches(field.value).slice(0, 12);
  active = options.length ? 0 : -1;
  byId("county-list").innerHTML = options.map(({ words }, at) => `<li role="option" id="county-${at}" data-at="${at}" aria-selected="${at === active}">${escapeHtml(words)}</li>`).join("");
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

/** What was typed and not chosen: the one place that fits, or a fault. */
function settle() {
  const text = byId("county").value.trim();
  closeList();
  if (text === "") {
    if (countyFault !== "" && (chosen.length || centre !== null)) countyFault = "";
    return update();
  }
  const found = matches(text);
  if (found.length === 1) return found[0].choose();
  if (found.exact) return found.exact();
  // Two meanings of the same five digits are asked about; a code that begins others is itself.
  countyFault = found.length
    ? `${found.total ?? found.length} places fit “${text}”; choose one from the list, or type the state as well.`
    : /^\d{5}$/.test(text)
      ? `No ZIP code or county “${text}” of the 50 states or DC; type the city instead.`
      : `No place “${text}”; expected a county, city or ZIP code of the 50 states or DC.`;
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
    if (active >= 0 && options.length) options[active].choose();
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
  if (item !== null) options[Number(item.dataset.at)].choose();
});
byId("chosen").addEventListener("click", (event) => {
  const code = event.target.closest("button")?.dataset.remove;
  if (code === undefined) return;
  chosen = chosen.filter((other) => other !== code);
  update();
  byId("county").focus();
});
