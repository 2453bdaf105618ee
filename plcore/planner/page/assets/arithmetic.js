// The arithmetic of the page: tables from the text that write.py writes, and what follows from settings.

const decode = {
  bytes(text) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return bytes;
  },
  /** Whole numbers, seven bits a byte and zigzag. */
  whole(text) {
    const numbers = [];
    let value = 0;
    let place = 1;
    for (const byte of decode.bytes(text)) {
      value += (byte & 127) * place;
      place *= 128;
      if (byte < 128) {
        numbers.push(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
        value = 0;
        place = 1;
      }
    }
    return Float64Array.from(numbers);
  },
  double(text) {
    return new Float64Array(decode.bytes(text).buffer);
  },
  single(text) {
    return Float64Array.from(new Float32Array(decode.bytes(text).buffer));
  },
  /** Rows of numbers in 65,536 steps from the least of their row. */
  sixteenBits({ low, step, steps }) {
    const [least, size] = [decode.double(low), decode.double(step)];
    const numbers = new Uint16Array(decode.bytes(steps).buffer);
    const n = numbers.length / least.length;
    return Float64Array.from(numbers, (value, i) => least[Math.floor(i / n)] + value * size[Math.floor(i / n)]);
  },
};

/** The page's tables as arrays. */
function readGrid(content) {
  const { places, nation, clinic, waits } = content;
  const fips = running(decode.whole(places.fips)).map((code) => String(code).padStart(5, "0"));
  const cells = nation.n_cells;
  const people = decode.whole(places.people);
  const total = new Float64Array(cells);
  for (let i = 0; i < people.length; i++) total[i % cells] += people[i];
  const decodeAll = (table) =>
    Object.fromEntries(Object.entries(table).map(([key, text]) => [key, decode.double(text)]));
  return {
    n: fips.length,
    fips,
    cells,
    share: people.map((value, i) => value / total[i % cells]),
    counts: nation.counts.map(({ draws, spread }) => ({ draws: decode.sixteenBits(draws), spread: decode.single(spread) })),
    residents: decode.double(nation.residents),
    columns: nation.columns.map(decode.double),
    lat: decode.whole(places.lat).map((value) => value / 1e6),
    lon: decode.whole(places.lon).map((value) => value / 1e6),
    zips: readZips(content.gazetteer),
    logRatio: decode.double(places.log_ratio),
    agesEstimated: decode.whole(places.ages_estimated),
    diabetesOfState: decode.whole(places.diabetes_of_state),
    at: new Map(fips.map((code, i) => [code, i])),
    visits: decode.whole(clinic.visits),
    nurses: decode.whole(clinic.nurses),
    known: decode.double(clinic.known),
    infusionsEach: decodeAll(clinic.infusions_each),
    visitsEach: decodeAll(clinic.visits_each),
    waitTables: decode.double(waits.tables),
    luckTables: decode.double(waits.luck),
    nationwide: new Map(),
    content,
  };
}

const running = (steps) => {
  let sum = 0;
  return Array.from(steps, (step) => (sum += step));
};

/** ZIP codes, their cities, and where they are, in hundredths of a degree. */
function readZips({ names, zips, name, state, state_from: from, states, lat, lon }) {
  let before = "";
  const cities = names.split("\n").map((text) => (before = before.slice(0, text.charCodeAt(0) - 48) + text.slice(1)));
  let code = 0;
  const pointed = [];
  const codes = Array.from(decode.whole(zips), (step) => {
    pointed.push(step % 2 === 1);
    return (code += Math.floor(step / 2));
  });
  const [of, changes, starts] = [running(decode.whole(name)), running(decode.whole(state)), running(decode.whole(from))];
  const [lats, lons] = [running(decode.whole(lat)), running(decode.whole(lon))];
  const found = new Map();
  const byCity = new Map();
  let [run, at] = [0, 0];
  codes.forEach((number, i) => {
    while (run + 1 < starts.length && i >= starts[run + 1]) run++;
    const key = cities[of[i]] === "" ? "" : `${cities[of[i]]}, ${states[changes[run]]}`;
    const point = pointed[i] ? [lats[at], lons[at++]] : null;
    if (key !== "") byCity.set(key, [...(byCity.get(key) ?? []), ...(point === null ? [] : [point])]);
    found.set(String(number).padStart(5, "0"), { city: key, point });
  });
  return { found, byCity };
}

/** The middle of the points of a city, the lower of two, in degrees. */
function cityPoint({ byCity }, key) {
  const points = byCity.get(key);
  const middle = (axis) => points.map((point) => point[axis]).sort((a, b) => a - b)[Math.floor((points.length - 1) / 2)] / 100;
  return { lat: middle(0), lon: middle(1), name: key };
}

function zipPoint(zips, code) {
  const { city, point } = zips.found.get(code);
  const name = `ZIP ${code}${city === "" ? "" : ` (${city})`}`;
  return point === null ? { ...cityPoint(zips, city), name } : { lat: point[0] / 100, lon: point[1] / 100, name };
}

/** Counties of an area: those named, or all near the one that is, or near a point. */
function countiesNear(grid, settings) {
  const named = settings.counties.map((code) => grid.at.get(code)).sort((a, b) => a - b);
  if (settings.radius_km === null) return named;
  const from = settings.point ?? { lat: grid.lat[named[0]], lon: grid.lon[named[0]] };
  const found = [];
  for (let i = 0; i < grid.n; i++) {
    if (greatCircleKm(grid, from, i) <= settings.radius_km) found.push(i);
  }
  return found;
}

function greatCircleKm(grid, from, to) {
  const rad = Math.PI / 180;
  const [lat1, lat2] = [from.lat * rad, grid.lat[to] * rad];
  const across = Math.sin(((grid.lon[to] - from.lon) * rad) / 2);
  const up = Math.sin((lat2 - lat1) / 2);
  const half = up * up + Math.cos(lat1) * Math.cos(lat2) * across * across;
  return 2 * grid.content.places.earth_radius_km * Math.asin(Math.sqrt(Math.min(half, 1)));
}

/** Sums over counties of their shares in the nation's people of each age group and sex: as they are, and
 * weighted by (diabetes)^elasticity, times the 0th to 2nd power of the logarithm of diabetes. */
function sumShares(grid, counties, elasticity) {
  const { cells, share, logRatio } = grid;
  const plain = new Float64Array(cells);
  const weighted = [0, 1, 2].map(() => new Float64Array(cells));
  for (const i of counties) {
    const weight = Math.exp(elasticity * logRatio[i]);
    for (let k = 0; k < cells; k++) {
      const value = share[i * cells + k];
      plain[k] += value;
      weighted[0][k] += weight * value;
      weighted[1][k] += weight * logRatio[i] * value;
      weighted[2][k] += weight * logRatio[i] ** 2 * value;
    }
  }
  return { plain, weighted };
}

/** The mean elasticity of a scenario, how far each draw is from it, and the sums over all counties. */
function nationOf(grid, scenario) {
  const column = scenario.columns.diabetes_elasticity;
  if (!grid.nationwide.has(column)) {
    const draws = grid.columns[column];
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const everywhere = Array.from({ length: grid.n }, (_, i) => i);
    grid.nationwide.set(column, { mean, away: draws.map((value) => value - mean), sums: sumShares(grid, everywhere, mean) });
  }
  return grid.nationwide.get(column);
}

/** A function from a count of the nation and a year to the area's count by draw. Its parts are vascular limb
 * loss of the young and of the old, of which the area has a share whose logarithm is a parabola in the
 * elasticity, and all other limb loss, of which it has its share of people. */
function areaOf(grid, counties, scenario) {
  const { cells } = grid;
  const { n_draws: nDraws, openings } = grid.content.nation;
  const nation = nationOf(grid, scenario);
  const area = sumShares(grid, counties, nation.mean);
  return (name, year) => {
    const { draws, spread } = grid.counts[scenario.counts[name]];
    const nYears = draws.length / 3 / nDraws;
    const [young, old, others] = [0, 1, 2].map((part) => part * nYears + year - openings[0]);
    const vascular = (at) => {
      const of = ({ weighted }) => {
        const [sum, sum1, sum2] = weighted.map((row) => {
          let total = 0;
          for (let k = 0; k < cells; k++) total += (spread[at * cells + k] * row[k]) / nation.sums.weighted[0][k];
          return total;
        });
        return { share: sum, mean: sum1 / sum, variance: sum2 / sum - (sum1 / sum) ** 2 };
      };
      const [here, everywhere] = [of(area), of(nation.sums)];
      if (here.share === 0) return () => 0;
      const slope = here.mean - everywhere.mean;
      const bend = (here.variance - everywhere.variance) / 2;
      return (away) => here.share * Math.exp((slope + bend * away) * away);
    };
    const [shareOfYoung, shareOfOld] = [vascular(young), vascular(old)];
    let other = 0;
    for (let k = 0; k < cells; k++) other += spread[others * cells + k] * area.plain[k];
    return nation.away.map((away, d) => draws[young * nDraws + d] * shareOfYoung(away)
      + draws[old * nDraws + d] * shareOfOld(away) + draws[others * nDraws + d] * other);
  };
}

const scenarioOf = (grid, settings) => grid.content.nation.scenarios.find(({ name }) => name === settings.scenario);

/** People by step of the funnel and year, and the shares of its steps, as plcore.clinic.demand has them. */
function funnel(grid, settings, area) {
  const { nation } = grid.content;
  const scenario = scenarioOf(grid, settings);
  const column = (name) => grid.columns[scenario.columns[name]];
  const count = areaOf(grid, area, scenario);
  const years = Array.from({ length: nation.n_years + 1 }, (_, i) => settings.year + i);
  const [alive, newCases, plp] = ["people", "new_cases", "plp"].map((name) => years.map((year) => count(name, year)));
  const { own_limb_loss: ownLoss = null, own_plp: ownPain = null } = settings;
  // Everybody who belongs to the group counted is multiplied by the same factor in every year.
  const scaled = (counted, of, rows) => {
    if (counted === null) return;
    const factors = of[0].map((value) => counted / value);
    rows.forEach((row) => row.forEach((value, d) => (row[d] = value * factors[d])));
  };
  scaled(ownLoss, alive, [...newCases, ...plp, ...alive]);
  scaled(ownPain, plp, plp);
  const severity = nation.severities[settings.severity];
  const severe = severity === "plp" ? null : column(severity.replace("plp_", "severity_"));
  const inPain = severe === null ? plp : plp.map((row) => row.map((value, d) => value * severe[d]));
  const resident = new Float64Array(nation.n_draws).fill(residentsOf(grid, area, settings.year - nation.openings[0]));
  const people = { residents: [resident], limb_loss: alive, plp, in_pain: inPain };
  const own = { accepting: settings.accepting_percent, choosing: settings.served_percent };
  const distance = settings.served_percent === null ? settings.distance_km ?? null : null;
  let now = inPain;
  for (const [step, names] of Object.entries(nation.steps)) {
    const typed = own[step] ?? null;
    const next = column(names[settings.severity]);
    const drawn = step === "choosing" && distance !== null ? sharesByDistance(grid, settings, area, distance, next) : next;
    now = now.map((row) => row.map((value, d) => value * (typed === null ? drawn[d] : typed / 100)));
    people[step] = now;
  }
  return { people, alive, newCases, patients: now, yearsToCome: column("demand_years_to_come") };
}

/** Share of an area's people who choose the clinic, by draw, as plcore.clinic.places has it: of those d km away
 * exp(-d / reach) would travel, to this clinic and to others, which stand where people are. */
function sharesByDistance(grid, settings, area, reach, choosing) {
  const people = peopleOf(grid);
  const site = siteOf(grid, settings, area);
  const others = crowding(grid, reach);
  const total = area.reduce((sum, i) => sum + people[i], 0);
  const found = new Float64Array(choosing.length);
  for (const i of area) {
    const travel = Math.exp(-greatCircleKm(grid, site, i) / reach);
    choosing.forEach((share, d) => {
      const elsewhere = (1 / Math.max(share, 1e-12) - 1) * others[i];
      found[d] += ((people[i] / total) * travel) / Math.max(travel + elsewhere, 1);
    });
  }
  return found;
}

/** Where the clinic stands: where it was set, or where most people of the area live. */
function siteOf(grid, settings, area) {
  if (settings.point) return settings.point;
  const people = peopleOf(grid);
  const most = area.reduce((best, i) => (people[i] > people[best] ? i : best), area[0]);
  const at = settings.radius_km === null ? most : grid.at.get(settings.counties[0]);
  return { lat: grid.lat[at], lon: grid.lon[at] };
}

/** Each county's share of the nation's people, the mean over age groups and sexes. */
function peopleOf(grid) {
  grid.people ??= Float64Array.from({ length: grid.n }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < grid.cells; k++) sum += grid.share[i * grid.cells + k];
    return sum / grid.cells;
  });
  return grid.people;
}

/** People within reach of each county's people, over those within reach of the mean American. */
function crowding(grid, reach) {
  grid.crowding ??= new Map();
  if (grid.crowding.has(reach)) return grid.crowding.get(reach);
  const people = peopleOf(grid);
  const rad = Math.PI / 180;
  const [x, y, z] = [
    (i) => Math.cos(grid.lat[i] * rad) * Math.cos(grid.lon[i] * rad),
    (i) => Math.cos(grid.lat[i] * rad) * Math.sin(grid.lon[i] * rad),
    (i) => Math.sin(grid.lat[i] * rad),
  ].map((axis) => Float64Array.from({ length: grid.n }, (_, i) => axis(i)));
  const within = Float64Array.from(people);
  const scale = (-2 * grid.content.places.earth_radius_km) / reach;
  for (let i = 0; i < grid.n; i++) {
    for (let j = 0; j < i; j++) {
      const half = Math.sqrt((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 + (z[i] - z[j]) ** 2) / 2;
      const pull = Math.exp(scale * Math.asin(Math.min(half, 1)));
      within[i] += pull * people[j];
      within[j] += pull * people[i];
    }
  }
  const mean = within.reduce((sum, value, i) => sum + value * people[i], 0);
  grid.crowding.set(reach, within.map((value) => value / mean));
  return grid.crowding.get(reach);
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
  const nWeeks = grid.known.length;
  const weeks = Array.from({ length: nYears }, () => weeksAYear);
  const found = weeks.map(() => new Float64Array(nDraws));
  const weekly = Array.from({ length: nWeeks }, () => new Float64Array(nDraws));
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
    for (let week = 0; week < nWeeks; week++) {
      const year = Math.min(Math.floor(week / weeksAYear), nYears - 1);
      newly += joining[year];
      const come = coming * grid.known[week];
      const rate = come + gone[year];
      const out = -Math.expm1(-rate / weeksAYear);
      const ofThem = rate > 0 ? come / rate : 0;
      weekly[week][d] = (old + newly) * out * ofThem;
      // A week that two years share is divided between them; what follows the last is left out.
      const before = Math.min((year + 1) * weeksAYear - week, 1);
      found[year][d] += before * weekly[week][d];
      if (year + 1 < nYears) found[year + 1][d] += (1 - before) * weekly[week][d];
      old *= 1 - out;
      newly *= 1 - out;
    }
  }
  return { weeks, weekly, byYear: found };
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

/** What a table of waits has, NaN where the list never clears; days run in logarithms. */
function waitAt(grid, table, start, capacity, load, inLogs) {
  const { capacity: capacities, load: loads } = grid.content.waits;
  if (load >= 1) return NaN;
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

/** People in pain if only major losses hurt, and if all hurt alike: of the baseline, if nobody counted those in pain. */
function boundsOfPain(grid, settings, area, { people }) {
  const { bounds, scenarios } = grid.content.nation;
  if (settings.scenario !== "baseline" || (settings.own_plp ?? null) !== null) return [];
  const modelled = areaOf(grid, area, scenarioOf(grid, settings))("people", settings.year);
  return Object.entries(bounds).map(([bound, scenario]) => {
    const values = areaOf(grid, area, scenarios.find(({ name }) => name === scenario))("plp", settings.year);
    // A count of one's own of people with limb loss moves those in pain by the same factor.
    return [bound, values.map((value, d) => (value * people.limb_loss[0][d]) / modelled[d])];
  });
}

/** The rows of the answer: { key, unit, median, low, high }. */
function lookUp(grid, settings) {
  const rows = [];
  const add = (key, unit, [median, low, high]) => rows.push({ key, unit, median, low, high });
  const area = countiesNear(grid, settings);
  const found = funnel(grid, settings, area);
  for (const [key, people] of Object.entries(found.people)) {
    add(key, "people", quantiles(people[0]));
    if (key === "plp" || (key === "in_pain" && settings.severity !== "any")) {
      // Each step keeps the same share of the people in pain, whoever counts as in pain.
      const kept = people[0].map((value, d) => value / found.people.plp[0][d]);
      for (const [bound, values] of boundsOfPain(grid, settings, area, found)) {
        add(key === "plp" ? bound : `${key}_${bound}`, "people", quantiles(values.map((value, d) => value * kept[d])));
      }
    }
  }
  decisionRows(grid, settings, found.people, newPatients(grid, found), add);
  return { rows, area };
}

/**
 * Load and waits if the busiest year went on, as rows of the answer. The mean wait of a draw is longer
 * by `delay` days: the list of the first day comes first.
 */
function queueRows(grid, rate, capacity, delay, add) {
  const { waits } = grid.content;
  const load = rate.map((value, d) => value / capacity[d]);
  const over = load.map((value) => (value >= 1 ? 1 : 0));
  const chance = over.reduce((a, b) => a + b, 0) / over.length;
  const come = rate.some((value) => value > 0);
  add("never_clears", "share", [chance, chance, chance]);
  const growth = Array.from(rate, (value, d) => value - capacity[d]).filter((_, d) => over[d] === 1);
  add("growth_a_week", "people", growth.length ? ranked(growth) : [0, 0, 0]);
  const n = waits.capacity.length * waits.load.length;
  waits.measures.forEach((measure, m) => {
    const days = waits.units[m] === "days";
    const found = load.map((value, d) => {
      const at = waitAt(grid, grid.waitTables, m * n, capacity[d], value, days);
      if (Number.isNaN(at)) return days ? Infinity : -Infinity;
      return measure === "wait_mean" ? at + delay[d] : at;
    });
    // Where nobody is referred nobody waits.
    add(measure, waits.units[m], come ? ranked(found) : [NaN, NaN, NaN]);
  });
  const [c, l] = [quantiles(capacity, [0.5])[0], quantiles(load, [0.5])[0]];
  const ends = [[grid.waitTables, 0], [grid.luckTables, 0], [grid.luckTables, n]].map(
    ([table, start]) => waitAt(grid, table, start, c, l, true),
  );
  add("wait_by_luck", "days", ends.map((end) => (!come ? NaN : Number.isNaN(end) ? Infinity : end)));
}

/** A number as page and sentences print it: three significant digits, two of days and percent, people whole. */
function shown(value, unit, grid) {
  if (Number.isNaN(value)) return "none";
  if (!Number.isFinite(value)) {
    const chairs = grid.content.clinic.chairs;
    if (unit === "chairs") return `more than ${chairs[chairs.length - 1]}`;
    return unit === "days" ? "no end" : "does not settle";
  }
  if (["chairs", "nurses", "visits a day", "days a week", "year"].includes(unit)) return String(value);
  const exact = unit === "share" ? value * 100 : value;
  if (unit === "people" && exact > 0 && exact < 0.5) return "fewer than 1";
  if (exact === 0) return unit === "share" ? "0%" : "0";
  if (unit === "people" && exact < 999.5) return String(Math.floor(exact + 0.5));
  const digits = unit === "share" || unit === "days" ? 2 : 3;
  const rounded = Number(exact.toPrecision(digits));
  const exponent = Number(rounded.toExponential().split("e")[1]);
  const [whole, rest] = rounded.toFixed(Math.max(0, digits - 1 - exponent)).split(".");
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest === undefined ? "" : `.${rest}`);
  return unit === "share" ? `${text}%` : text;
}

/** People with phantom limb pain in each county, the mean over the draws. */
function meanPain(grid, settings) {
  const scenario = scenarioOf(grid, settings);
  return Float64Array.from({ length: grid.n }, (_, i) => {
    const pain = areaOf(grid, [i], scenario)("plp", settings.year);
    return pain.reduce((sum, value) => sum + value, 0) / pain.length;
  });
}
