// The arithmetic of the page: what lookup.py does, with the same tables.

/** Counties of an area: those named, or all near the one that is. */
function countiesNear(grid, settings) {
  const named = settings.counties.map((code) => grid.at.get(code)).sort((a, b) => a - b);
  if (settings.radius_km === null) return named;
  const from = named[0];
  const found = [];
  for (let i = 0; i < grid.n; i++) {
    if (greatCircleKm(grid, from, i) <= settings.radius_km) found.push(i);
  }
  return found;
}

function greatCircleKm(grid, from, to) {
  const rad = Math.PI / 180;
  const [lat1, lat2] = [grid.lat[from] * rad, grid.lat[to] * rad];
  const across = Math.sin(((grid.lon[to] - grid.lon[from]) * rad) / 2);
  const up = Math.sin((lat2 - lat1) / 2);
  const half = up * up + Math.cos(lat1) * Math.cos(lat2) * across * across;
  return 2 * grid.content.places.earth_radius_km * Math.asin(Math.sqrt(Math.min(half, 1)));
}

/** The core with the years and quantities wanted: [quantity][year] -> rank x cell ranks. */
function slabs(grid, series, firstYear, nYears) {
  const [nDraw, nSeries, nYear, nCell] = grid.shape;
  const nQuantity = grid.content.nation.n_quantities;
  const found = [];
  const byYear = new Float64Array(nDraw * nSeries * nYears * nCell);
  for (let rs = 0; rs < nDraw * nSeries; rs++) {
    for (let m = 0; m < nYear; m++) {
      const from = (rs * nYear + m) * nCell;
      for (let y = 0; y < nYears; y++) {
        const factor = grid.bases[2][(firstYear + y) * nYear + m];
        const to = (rs * nYears + y) * nCell;
        for (let c = 0; c < nCell; c++) byYear[to + c] += factor * grid.core[from + c];
      }
    }
  }
  for (let q = 0; q < nQuantity; q++) {
    found.push([]);
    for (let y = 0; y < nYears; y++) {
      const slab = new Float64Array(nDraw * nCell);
      for (let r = 0; r < nDraw; r++) {
        for (let s = 0; s < nSeries; s++) {
          const factor = grid.bases[1][(series * nQuantity + q) * nSeries + s];
          const from = ((r * nSeries + s) * nYears + y) * nCell;
          for (let c = 0; c < nCell; c++) slab[r * nCell + c] += factor * byYear[from + c];
        }
      }
      found[q].push(slab);
    }
  }
  return found;
}

/** The slabs of a scenario's series and an opening, kept: only the area changes often. */
function slabsOf(grid, scenario, opening) {
  const key = `${scenario.series} ${opening}`;
  if (grid.kept?.key !== key) {
    const { openings, n_years } = grid.content.nation;
    grid.kept = { key, slabs: slabs(grid, scenario.series, opening - openings[0], n_years + 1) };
  }
  return grid.kept.slabs;
}

/** Each quantity of an area: [quantity][year] -> by draw. */
function local(grid, area, scenario, opening) {
  const { cells, nodes, share, bases, size } = grid;
  const [nDraw, , , nCell] = grid.shape;
  const { n_quantities: nQuantity, n_draws: nDraws } = grid.content.nation;
  const everyone = new Float64Array(cells);
  for (const i of area) for (let k = 0; k < cells; k++) everyone[k] += share[i * cells + k];
  const shares = weighted(grid, area).map((value, i) => value / grid.everywhere[i]);
  const weights = nodeWeights(grid, scenario);
  const n = nodes.length;
  // People in terms of the cells' basis: of other causes first, then vascular ones by node.
  const terms = new Float64Array((n + 1) * nCell);
  const held = slabsOf(grid, scenario, opening);
  const byRank = new Float64Array((n + 1) * nDraw);
  return Array.from({ length: nQuantity }, (_, q) => {
    const row = (scenario.series * nQuantity + q) * 2 * cells;
    terms.fill(0);
    for (let k = 0; k < cells; k++) {
      const other = size[row + 2 * k + 1] * everyone[k];
      for (let c = 0; c < nCell; c++) terms[c] += other * bases[3][(2 * k + 1) * nCell + c];
      for (let j = 0; j < n; j++) {
        const vascular = size[row + 2 * k] * shares[j * cells + k];
        const to = (j + 1) * nCell;
        for (let c = 0; c < nCell; c++) terms[to + c] += vascular * bases[3][2 * k * nCell + c];
      }
    }
    return held[q].map((slab) => {
      for (let j = 0; j <= n; j++) {
        for (let r = 0; r < nDraw; r++) {
          let sum = 0;
          for (let c = 0; c < nCell; c++) sum += slab[r * nCell + c] * terms[j * nCell + c];
          byRank[j * nDraw + r] = sum;
        }
      }
      const found = new Float64Array(nDraws);
      for (let d = 0; d < nDraws; d++) {
        let sum = 0;
        for (let j = 0; j <= n; j++) {
          const weight = j === 0 ? 1 : weights[d * n + j - 1];
          let part = 0;
          for (let r = 0; r < nDraw; r++) part += bases[0][d * nDraw + r] * byRank[j * nDraw + r];
          sum += weight * part;
        }
        found[d] = sum;
      }
      return found;
    });
  });
}

/** People by step of the funnel and year, and the shares of its steps, as plcore.clinic.demand has them. */
function funnel(grid, settings, area) {
  const { nation } = grid.content;
  const scenario = nation.scenarios.find((each) => each.name === settings.scenario);
  const column = (name) => grid.columns[scenario.columns[name]];
  const found = local(grid, area, scenario, settings.year);
  const [alive, newCases, ...bands] = found;
  const shares = nation.bands.map((band) => column(`in_pain_${band}`));
  const severity = nation.severities[settings.severity];
  const severe = severity === "plp" ? null : column(severity.replace("plp_", "severity_"));
  const plp = alive.map((people, y) =>
    people.map((all, d) => {
      const within = bands.map((band) => band[y][d]);
      const early = within.reduce((a, b) => a + b, 0);
      return [...within, all - early].reduce((sum, part, b) => sum + part * shares[b][d], 0);
    }),
  );
  const inPain = severe === null ? plp : plp.map((row) => row.map((value, d) => value * severe[d]));
  const first = settings.year - nation.openings[0];
  const resident = new Float64Array(nation.n_draws).fill(
    grid.content.nation.n_cells ? residentsOf(grid, area, first) : 0,
  );
  const people = { residents: [resident], limb_loss: alive, plp, in_pain: inPain };
  const own = { accepting: settings.accepting_percent, choosing: settings.served_percent };
  let now = inPain;
  for (const [step, names] of Object.entries(nation.steps)) {
    const typed = own[step] ?? null;
    const drawn = column(names[settings.severity]);
    now = now.map((row) => row.map((value, d) => value * (typed === null ? drawn[d] : typed / 100)));
    people[step] = now;
  }
  return { people, alive, newCases, patients: now, yearsToCome: column("demand_years_to_come") };
}

function residentsOf(grid, area, year) {
  const { cells, share, residents } = grid;
  let sum = 0;
  for (let k = 0; k < cells; k++) {
    let part = 0;
    for (const i of area) part += share[i * cells + k];
    sum += residents[year * cells + k] * part;
  }
  return sum;
}

/** New patients by year since the opening, [year] -> by draw, and the weeks of each year. */
function newPatients(grid, { alive, newCases, patients, yearsToCome }) {
  const { n_draws: nDraws, n_years: nYears } = grid.content.nation;
  const { weeks_a_year: weeksAYear } = grid.content.clinic;
  const starts = Array.from({ length: nYears }, (_, i) => Math.ceil(i * weeksAYear - 1e-9));
  const nWeeks = grid.known.length;
  const weeks = starts.map((start, i) => (starts[i + 1] ?? nWeeks) - start);
  const found = starts.map(() => new Float64Array(nDraws));
  const gone = new Float64Array(nYears);
  const joining = new Float64Array(nYears);
  for (let d = 0; d < nDraws; d++) {
    for (let y = 0; y < nYears; y++) {
      gone[y] = (alive[y][d] + newCases[y][d] - alive[y + 1][d]) / alive[y][d];
      joining[y] = (newCases[y][d] * patients[y][d]) / alive[y][d] / weeksAYear;
    }
    const coming = 1 / yearsToCome[d];
    let old = patients[0][d];
    let newly = 0;
    for (let week = 0, counted = 0; week < nWeeks; week++) {
      while (counted + 1 < nYears && week >= starts[counted + 1]) counted++;
      const year = Math.min(Math.floor(week / weeksAYear), nYears - 1);
      newly += joining[year];
      const come = coming * grid.known[week];
      const rate = come + gone[year];
      const out = -Math.expm1(-rate / weeksAYear);
      const ofThem = rate > 0 ? come / rate : 0;
      found[counted][d] += old * out * ofThem + newly * out * ofThem;
      old *= 1 - out;
      newly *= 1 - out;
    }
  }
  return { weeks, byYear: found };
}

/** Median and limits, by straight lines between the values in order. */
function quantiles(values, shares = [0.5, 0.025, 0.975]) {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => {
    const at = share * (sorted.length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
  });
}

/** The least values that these shares of all do not exceed: infinities are not averaged. */
function ranked(values, shares = [0.5, 0.025, 0.975]) {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)]);
}

/** What a table of waits has, NaN where the list does not settle; days run in logarithms. */
function waitAt(grid, table, start, capacity, load, inLogs) {
  const { capacity: capacities, load: loads } = grid.content.waits;
  if (load > loads[loads.length - 1]) return NaN;
  const [i, toI] = between(capacities.length, (m) => Math.log(capacities[m]), Math.log(capacity));
  const [j, toJ] = between(loads.length, (m) => -Math.log1p(-loads[m]), -Math.log1p(-load));
  const value = (a, b) => {
    const entry = table[start + a * loads.length + b];
    return inLogs ? Math.log(entry) : entry;
  };
  const low = value(i, j) * (1 - toJ) + value(i, j + 1) * toJ;
  const high = value(i + 1, j) * (1 - toJ) + value(i + 1, j + 1) * toJ;
  const found = low * (1 - toI) + high * toI;
  return inLogs ? Math.exp(found) : found;
}

function between(n, entry, at) {
  let place = 0;
  while (place < n - 2 && entry(place + 1) <= at) place++;
  const along = (at - entry(place)) / (entry(place + 1) - entry(place));
  return [place, Math.min(Math.max(along, 0), 1)];
}

/** The rows of the answer: { key, unit, median, low, high }. */
function lookUp(grid, settings) {
  const rows = [];
  const add = (key, unit, [median, low, high]) => rows.push({ key, unit, median, low, high });
  const area = countiesNear(grid, settings);
  const found = funnel(grid, settings, area);
  for (const [key, people] of Object.entries(found.people)) {
    add(key, "people", quantiles(people[0]));
  }
  const { weeks, byYear } = newPatients(grid, found);
  clinicRows(grid, settings, weeks, byYear, add);
  return { rows, area };
}

function clinicRows(grid, settings, weeks, byYear, add) {
  const { clinic, nation } = grid.content;
  const course = `${settings.infusions} ${settings.returns}`;
  const [infusions, visits] = [grid.infusionsEach[course], grid.visitsEach[course]];
  const halfHour = Math.round(2 * settings.hours) - 1;
  const heldBy = (chairs) => grid.visits[(chairs - clinic.chairs[0]) * clinic.n_half_hours + halfHour];
  const aDay = heldBy(settings.chairs);
  const openAWeek = 7 * clinic.open_share[settings.year - nation.openings[0]];
  const held = aDay * openAWeek;
  const certain = (value) => [value, value, value];
  byYear.forEach((people, i) => add(`patients_${i + 1}`, "people", quantiles(people)));
  byYear.forEach((people, i) =>
    add(`infusions_${i + 1}`, "infusions", quantiles(people.map((value, d) => value * infusions[d]))),
  );
  const allWeeks = weeks.reduce((a, b) => a + b, 0);
  const rate = byYear[0].map((_, d) => Math.max(...byYear.map((people, i) => people[d] / weeks[i])));
  const onAverage = rate.map((_, d) => {
    const all = byYear.reduce((sum, people) => sum + people[d], 0);
    return ((all / allWeeks) * visits[d]) / held;
  });
  const load = rate.map((value, d) => (value * visits[d]) / held);
  add("load_on_average", "share", quantiles(onAverage));
  add("visits_a_week", "visits", quantiles(rate.map((value, d) => value * visits[d])));
  add("held_a_week", "visits", certain(held));
  add("visits_a_day", "visits a day", certain(aDay));
  add("nurses", "nurses", certain(grid.nurses[(settings.chairs - clinic.chairs[0]) * clinic.n_half_hours + halfHour]));
  add("load", "share", quantiles(load));
  queueRows(grid, rate, visits.map((value) => held / value), add);
  const needed = rate.map((value, d) => {
    const wanted = (value * visits[d]) / openAWeek;
    return clinic.chairs.find((chairs) => wanted <= clinic.most_busy * heldBy(chairs)) ?? Infinity;
  });
  add("chairs_needed", "chairs", ranked(needed));
  add("chairs_to_plan", "chairs", certain(ranked(needed, [clinic.certainty])[0]));
  const most = heldBy(clinic.chairs[clinic.chairs.length - 1]);
  add("never_clears_with_most", "share",
    certain(rate.filter((value, d) => (value * visits[d]) / openAWeek >= most).length / rate.length));
}

function queueRows(grid, rate, capacity, add) {
  const { waits } = grid.content;
  const load = rate.map((value, d) => value / capacity[d]);
  const over = load.map((value) => (value >= 1 ? 1 : 0));
  const chance = over.reduce((a, b) => a + b, 0) / over.length;
  add("never_clears", "share", [chance, chance, chance]);
  const growth = Array.from(rate, (value, d) => value - capacity[d]).filter((_, d) => over[d] === 1);
  add("growth_a_week", "people", growth.length ? ranked(growth) : [0, 0, 0]);
  const n = waits.capacity.length * waits.load.length;
  waits.measures.forEach((measure, m) => {
    const days = waits.units[m] === "days";
    const found = load.map((value, d) => {
      const at = waitAt(grid, grid.waitTables, m * n, capacity[d], value, days);
      return Number.isNaN(at) ? (days ? Infinity : -Infinity) : at;
    });
    add(measure, waits.units[m], ranked(found));
  });
  const [c, l] = [quantiles(capacity, [0.5])[0], quantiles(load, [0.5])[0]];
  const ends = [[grid.waitTables, 0], [grid.luckTables, 0], [grid.luckTables, n]].map(
    ([table, start]) => waitAt(grid, table, start, c, l, true),
  );
  add("wait_by_luck", "days", ends.map((end) => (Number.isNaN(end) ? Infinity : end)));
}

/** A number as the page prints it: words.py has the same. */
function shown(value, unit, grid) {
  if (!Number.isFinite(value)) {
    const chairs = grid.content.clinic.chairs;
    return unit === "chairs" ? `more than ${chairs[chairs.length - 1]}` : "does not settle";
  }
  if (["chairs", "nurses", "visits a day"].includes(unit)) return String(value);
  const digits = unit === "share" || unit === "days" ? 2 : 3;
  const exact = unit === "share" ? value * 100 : value;
  if (exact === 0) return unit === "share" ? "0%" : "0";
  const rounded = Number(exact.toPrecision(digits));
  const exponent = Number(rounded.toExponential().split("e")[1]);
  const [whole, rest] = rounded.toFixed(Math.max(0, digits - 1 - exponent)).split(".");
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest === undefined ? "" : `.${rest}`);
  return unit === "share" ? `${text}%` : text;
}

/** People with phantom limb pain in each county, the mean over the draws. */
function meanPain(grid, settings) {
  const { nation } = grid.content;
  const { cells, nodes, bases, size, share, logRatio } = grid;
  const [nDraw, , , nCell] = grid.shape;
  const scenario = nation.scenarios.find((each) => each.name === settings.scenario);
  const shares = nation.bands.map((band) => grid.columns[scenario.columns[`in_pain_${band}`]]);
  const weights = nodeWeights(grid, scenario);
  const n = nodes.length;
  const held = slabsOf(grid, scenario, settings.year);
  // Those 5 years or more after the loss are all people less the other bands.
  const quantities = [0, ...shares.slice(0, -1).map((_, b) => b + 2)];
  const found = new Float64Array((n + 1) * cells);
  for (const q of quantities) {
    const mean = new Float64Array((n + 1) * nDraw);
    for (let d = 0; d < nation.n_draws; d++) {
      const last = shares[shares.length - 1][d];
      const factor = (q === 0 ? last : shares[q - 2][d] - last) / nation.n_draws;
      for (let j = 0; j <= n; j++) {
        const weight = factor * (j === 0 ? 1 : weights[d * n + j - 1]);
        for (let r = 0; r < nDraw; r++) mean[j * nDraw + r] += weight * bases[0][d * nDraw + r];
      }
    }
    const row = (scenario.series * nation.n_quantities + q) * 2 * cells;
    for (let j = 0; j <= n; j++) {
      const part = new Float64Array(nCell);
      for (let r = 0; r < nDraw; r++) {
        for (let c = 0; c < nCell; c++) part[c] += mean[j * nDraw + r] * held[q][0][r * nCell + c];
      }
      for (let k = 0; k < cells; k++) {
        const cell = 2 * k + (j === 0 ? 1 : 0);
        let sum = 0;
        for (let c = 0; c < nCell; c++) sum += part[c] * bases[3][cell * nCell + c];
        const everywhere = j === 0 ? 1 : grid.everywhere[(j - 1) * cells + k];
        found[j * cells + k] += (size[row + cell] * sum) / everywhere;
      }
    }
  }
  const pain = new Float64Array(grid.n);
  const perShare = new Float64Array(cells);
  for (let i = 0; i < grid.n; i++) {
    perShare.set(found.subarray(0, cells));
    for (let j = 0; j < n; j++) {
      const weight = Math.exp(nodes[j] * logRatio[i]);
      for (let k = 0; k < cells; k++) perShare[k] += weight * found[(j + 1) * cells + k];
    }
    for (let k = 0; k < cells; k++) pain[i] += share[i * cells + k] * perShare[k];
  }
  return pain;
}
