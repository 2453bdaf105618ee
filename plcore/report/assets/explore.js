// Arithmetic: the same as `answer` in plcore/report/explore.py, which tests hold this to -----------

const content = JSON.parse(document.getElementById("content").textContent);
const YEARS = content.years;
const RANGES = content.ranges;
const TAILS = [0.5, 0.025, 0.975];
const N_LEVELS = 2;

function bytesOf(text) {
  return Uint8Array.from(window.atob(text), (letter) => letter.charCodeAt(0));
}

/** The rows of numbers kept in 65,536 steps. */
function rowsOf({ low, step, steps }) {
  const bytes = new DataView(bytesOf(steps).buffer);
  const n = bytes.byteLength / 2 / low.length;
  return low.map((least, row) =>
    Float64Array.from({ length: n }, (_, i) => least + step[row] * bytes.getUint16(2 * (row * n + i), true)),
  );
}

function readModel(packed) {
  const weights = new DataView(bytesOf(packed.weights).buffer);
  const pathRows = packed.path_rows.map((row) => rowsOf(row)[0]);
  const all = (group) => Object.fromEntries(Object.entries(group).map(([name, rows]) => [name, rowsOf(rows)[0]]));
  // Scores of a draw side by side: they are always used together.
  const scores = new Float64Array(packed.n_draws * packed.n_scores);
  rowsOf(packed.scores).forEach((row, s) => row.forEach((value, d) => { scores[d * packed.n_scores + s] = value; }));
  return {
    ...packed,
    scores,
    weights: Float64Array.from({ length: weights.byteLength / 4 }, (_, i) => weights.getFloat32(4 * i, true)),
    paths: Object.fromEntries(Object.entries(packed.paths).map(([name, rows]) => [name, rows.map((row) => pathRows[row])])),
    first_share: rowsOf(packed.first_share)[0],
    plateau: all(packed.plateau),
    excess: rowsOf(packed.excess),
    pair: rowsOf(packed.pair),
  };
}

const model = readModel(content.model);
const N = model.n_draws;
const BEST = content.presets.best.beliefs;
/** Parabolas of the columns worked out, and people at the mortality factor that was last asked for. */
const parabolas = new Map();
const last = { factor: NaN, people: new Map() };

/** Logarithm of people in each draw at a mortality factor of 1, or one of the two coefficients. */
function combined(column, p) {
  const { scores, weights, centres, n_scores: n } = model;
  const nColumns = centres[0].length;
  const own = Float64Array.from({ length: n }, (_, s) => weights[(p * n + s) * nColumns + column]);
  const values = new Float64Array(N);
  for (let d = 0; d < N; d += 1) {
    let sum = centres[p][column];
    const start = d * n;
    for (let s = 0; s < n; s += 1) sum += scores[start + s] * own[s];
    values[d] = sum;
  }
  return values;
}

function parabolaOf(column) {
  if (!parabolas.has(column)) {
    const usual = combined(column, 0).map(Math.exp);
    parabolas.set(column, { usual, slope: null, bend: null });
  }
  return parabolas.get(column);
}

/** People of one component, level and year in each draw. */
function peopleOfColumn(column, factor) {
  const parabola = parabolaOf(column);
  if (factor === 1) return parabola.usual;
  if (last.factor !== factor) {
    last.factor = factor;
    last.people.clear();
  }
  if (last.people.has(column)) return last.people.get(column);
  parabola.slope ??= combined(column, 1);
  parabola.bend ??= combined(column, 2);
  const { usual, slope, bend } = parabola;
  const x = Math.log(factor);
  const people = new Float64Array(N);
  for (let d = 0; d < N; d += 1) people[d] = usual[d] * Math.exp(x * (slope[d] + x * bend[d]));
  last.people.set(column, people);
  return people;
}

/** Work out, in pauses, what the mortality slider will need, so that it moves at once. */
function prepare(column = 0) {
  if (column >= model.centres[0].length) return;
  const parabola = parabolaOf(column);
  parabola.slope ??= combined(column, 1);
  parabola.bend ??= combined(column, 2);
  window.setTimeout(prepare, 0, column + 1);
}

/** What each component is multiplied by: an array over the draws, or null for 1. */
function weightsOf(beliefs) {
  const share = beliefs.first_share;
  const scale = share === null ? null : model.first_share.map((fitted) => share / fitted);
  const weights = { [content.past_of[beliefs.incidence]]: scale, [content.other_of[beliefs.incidence]]: null };
  Object.entries(content.future).forEach(([knot, grown], row) => {
    const factor = 1 + (beliefs.vascular_factor - 1) * grown;
    const logs = model.paths[beliefs.incidence][row];
    weights[`from_${knot}`] = logs.map((log, d) => factor * Math.exp(log) * (scale === null ? 1 : scale[d]));
  });
  return weights;
}

/** People by place of the year and level, each over the draws, and the shares of recent losses. */
function peopleOf(beliefs, at) {
  const weights = weightsOf(beliefs);
  return at.map((year) =>
    Array.from({ length: N_LEVELS }, (_, k) => {
      const total = new Float64Array(N);
      const recent = [0, 0];
      let everybody = 0;
      for (const [name, weight] of Object.entries(weights)) {
        const [start, first] = model.columns[name];
        if (year < first) continue;
        const column = start + (year - first) * N_LEVELS + k;
        const people = peopleOfColumn(column, beliefs.mortality_factor);
        let sum = 0;
        for (let d = 0; d < N; d += 1) {
          const some = weight === null ? people[d] : weight[d] * people[d];
          total[d] += some;
          sum += some;
        }
        everybody += sum;
        recent.forEach((_, part) => { recent[part] += sum * model.recent[part][column]; });
      }
      return { people: total, recent: recent.map((part) => part / everybody) };
    }),
  );
}

const expit = (x) => 1 / (1 + Math.exp(-x));
const logit = (p) => Math.log(p / (1 - p));
const sooner = new Map();

/** Share in pain years after a loss, and by how much it is higher in each of the first two years. */
function studied(key, kind) {
  if (!sooner.has(key)) {
    const plateau = model.plateau[key];
    const more = kind === "ever" ? [] : model.excess.map((above) => plateau.map((share, d) => expit(logit(share) + above[d]) - share));
    sooner.set(key, { plateau, more });
  }
  return sooner.get(key);
}

/** Share in pain after a loss of a level: a number, or the studies that say it. */
function shareAfter(level, beliefs) {
  const ofMajor = beliefs.pain_major ?? studied(`${beliefs.kind} ${beliefs.pool}`, beliefs.kind);
  if (level === 0 || beliefs.pain_minor === "as_after_major") return ofMajor;
  if (beliefs.pain_minor === "own_share") return studied(`minor ${beliefs.kind}`, beliefs.kind);
  return beliefs.pain_minor === "none" ? 0 : beliefs.pain_minor;
}

/** Which corrections people with limb loss and people in pain take. */
function correctionsOf(beliefs) {
  if (beliefs.counts === "published") return [null, null];
  const ofPeople = beliefs.loss === "all" ? "limb_loss" : "major";
  if (beliefs.pain_major !== null) return [ofPeople, ofPeople];
  if (beliefs.loss === "major" || beliefs.pain_minor === "none") return [ofPeople, "plp_major_only"];
  return [ofPeople, beliefs.pain_minor === "as_after_major" ? "plp_all_alike" : "plp"];
}

/** The kth smallest of an array, which is reordered so that all after it are as great or greater. */
function smallest(values, k) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i] < pivot) i += 1;
      while (values[j] > pivot) j -= 1;
      if (i <= j) {
        [values[i], values[j]] = [values[j], values[i]];
        i += 1;
        j -= 1;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k];
}

/** A quantile as NumPy has it: straight between the two nearest. */
function quantile(values, p) {
  const place = (values.length - 1) * p;
  const k = Math.floor(place);
  const below = smallest(values, k);
  let above = Infinity;
  for (let i = k + 1; i < values.length; i += 1) if (values[i] < above) above = values[i];
  return place === k ? below : below + (above - below) * (place - k);
}

/** Median and limits of people with limb loss and of people in pain, by tail and year. */
function answer(beliefs, years = YEARS) {
  const at = years.map((year) => YEARS.indexOf(year));
  const published = beliefs.counts === "published";
  const people = peopleOf(published ? BEST : beliefs, at);
  const shares = Array.from({ length: N_LEVELS }, (_, k) => shareAfter(k, beliefs));
  const corrections = correctionsOf(beliefs).map((name) => (name === null ? null : model.corrections[name]));
  const result = { limb_loss: TAILS.map(() => []), in_pain: TAILS.map(() => []) };
  at.forEach((year, i) => {
    const loss = new Float64Array(N);
    const pain = new Float64Array(N);
    const nth = (YEARS[year] - YEARS[0]) / (YEARS[YEARS.length - 1] - YEARS[0]);
    const counted = beliefs.loss === "major" ? [0] : [0, 1];
    for (const k of counted) {
      const { people: some, recent } = people[i][k];
      const share = shares[k];
      for (let d = 0; d < N; d += 1) {
        let n = some[d];
        if (published) {
          const [first, last] = model.pair;
          n *= (first[d] * (last[d] / first[d]) ** nth) / (people[i][0].people[d] + people[i][1].people[d]);
        }
        let inPain = share;
        if (typeof share !== "number") {
          inPain = share.plateau[d];
          // The published pair says nothing of the time since the loss.
          if (!published) for (let part = 0; part < share.more.length; part += 1) inPain += share.more[part][d] * recent[part];
        }
        loss[d] += n;
        pain[d] += n * inPain;
      }
    }
    [["limb_loss", loss], ["in_pain", pain]].forEach(([name, values], which) => {
      TAILS.forEach((p, t) => {
        result[name][t].push(quantile(values, p) * (corrections[which] === null ? 1 : corrections[which][t][year]));
      });
    });
  });
  return result;
}

/** What can be moved to reach a target, and its range. "pain" moves both shares alike. */
const INPUTS = {
  vascular_factor: RANGES.vascular_factor,
  mortality_factor: RANGES.mortality_factor,
  first_share: RANGES.first_share,
  pain_major: RANGES.pain_major,
  pain_minor: RANGES.pain_minor,
  pain: RANGES.pain_major,
};

function withInput(beliefs, name, value) {
  return name === "pain" ? { ...beliefs, pain_major: value, pain_minor: value } : { ...beliefs, [name]: value };
}

/**
 * The value of one input at which the median of an outcome in the last year is the target.
 * `value` is null where none in its range does; `nearest` is then the end that comes nearest, and
 * `reached` what the median is there.
 */
function solve(beliefs, name, target, outcome) {
  const last = YEARS[YEARS.length - 1];
  const at = (value) => answer(withInput(beliefs, name, value), [last])[outcome][0][0];
  let [low, high] = INPUTS[name];
  const [atLow, atHigh] = [at(low), at(high)];
  // An end that prints as the target reaches it, such as everybody in pain of 3.6 million.
  const near = [atLow, atHigh].findIndex((people) => millions(people) === millions(target));
  if (near >= 0 && atLow !== atHigh) return { value: [low, high][near] };
  if ((atLow - target) * (atHigh - target) > 0) {
    const end = Math.abs(atLow - target) < Math.abs(atHigh - target) ? 0 : 1;
    return { value: null, nearest: [low, high][end], reached: [atLow, atHigh][end], moves: atLow !== atHigh };
  }
  if (atLow === atHigh) return { value: null, nearest: high, reached: atHigh, moves: false };
  for (let step = 0; step < 40 && high - low > 1e-5 * high; step += 1) {
    const middle = (low + high) / 2;
    if (at(middle) < target === atLow < atHigh) low = middle;
    else high = middle;
  }
  return { value: (low + high) / 2 };
}

// The form ---------------------------------------------------------------------------------------

const SELECTS = ["counts", "loss", "incidence", "kind", "pool"];
const SLIDERS = Object.keys(RANGES);
const FACTORS = ["vascular_factor", "mortality_factor"];
/** What a slider stands for while nothing is set on it. */
const NOT_SET = { first_share: "fitted", pain_major: "studies" };
const percent = (share) => `${Math.round(100 * share)}%`;
const millions = (people) => (people / 1e6).toFixed(2);
const interval = ([, low, high]) => `${millions(low)} to ${millions(high)}`;
const tails = (values) => TAILS.map((p) => quantile(Float64Array.from(values), p));

let linkFaults = [];
let answered = null;

function readForm() {
  const beliefs = Object.fromEntries(SELECTS.map((name) => [name, byId(name).value]));
  for (const name of FACTORS) beliefs[name] = Number(byId(name).value) / 100;
  for (const name of ["first_share", "pain_major", "pain_minor"]) {
    const choice = byId(`${name}-choice`).value;
    if (choice === "set") beliefs[name] = Number(byId(name).value) / 100;
    else beliefs[name] = name === "pain_minor" ? choice : null;
  }
  return beliefs;
}

/** What the evidence says of a share, as three numbers. */
function evidenceOf(name, beliefs) {
  if (name === "first_share") return tails(model.first_share);
  if (name === "pain_major") return tails(model.plateau[`${beliefs.kind} ${beliefs.pool}`]);
  if (beliefs.pain_minor === "none") return [0, 0, 0];
  if (beliefs.pain_minor === "as_after_major") return beliefs.pain_major === null ? evidenceOf("pain_major", beliefs) : Array(3).fill(beliefs.pain_major);
  return tails(model.plateau[`minor ${beliefs.kind}`]);
}

function writeForm(beliefs) {
  for (const name of SELECTS) byId(name).value = beliefs[name];
  for (const name of FACTORS) byId(name).value = String(Math.round(100 * beliefs[name]));
  for (const name of ["first_share", "pain_major", "pain_minor"]) {
    const value = beliefs[name];
    const isSet = typeof value === "number";
    byId(`${name}-choice`).value = isSet ? "set" : (value ?? NOT_SET[name]);
    if (isSet) byId(name).value = String(Math.round(100 * value));
  }
}

/** The numbers beside the sliders, and where those stand on which nothing is set. */
function showValues(beliefs) {
  for (const name of FACTORS) {
    byId(`${name}-value`).textContent = beliefs[name].toFixed(2);
    byId(name).setAttribute("aria-valuetext", `times ${beliefs[name].toFixed(2)}`);
  }
  for (const name of ["first_share", "pain_major", "pain_minor"]) {
    const isSet = byId(`${name}-choice`).value === "set";
    let words = isSet ? percent(beliefs[name]) : "";
    if (!isSet) {
      const [median, low, high] = evidenceOf(name, beliefs);
      byId(name).value = String(Math.round(100 * median));
      words = low === high ? percent(median) : `${percent(median)} (${percent(low)} to ${percent(high)})`;
    }
    byId(`${name}-value`).textContent = words;
    byId(name).setAttribute("aria-valuetext", words);
    byId(name).classList.toggle("idle", !isSet);
  }
  const published = beliefs.counts === "published";
  byId("of-model").hidden = published;
  byId("not-used").hidden = !published;
  const minorCounts = beliefs.loss === "all";
  byId("pain_minor-choice").disabled = !minorCounts;
  byId("pain_minor").disabled = !minorCounts;
}

// In words ---------------------------------------------------------------------------------------

const PATH_WORDS = {
  held: "amputations stay at the last level observed",
  low_of_2010: "vascular amputations fall back to the low of 2010",
  rise_goes_on: "vascular amputations rise for ten more years as from 2010 to 2019",
  rates_of_1996: "amputations have been as frequent as in 1996 ever since",
};
const KIND_WORDS = { current: "have phantom limb pain", point: "have phantom limb pain at the time asked", period: "have had phantom limb pain within days to weeks", ever: "have had phantom limb pain at some time since the loss" };
const KIND_CHOSEN = { point: "only studies of pain at the time people were asked are used", period: "only studies of pain within days to weeks are used", ever: "pain counts if people had it at any time since the loss" };
const POOL_WORDS = { usa: "the USA", high_income: "high-income countries", all: "all countries" };

const inPainWords = (beliefs) => (beliefs.kind === "ever" ? "who ever had phantom limb pain" : "in pain");
const lossWords = (beliefs) => (beliefs.loss === "major" ? "major limb loss" : "limb loss");

/** What is believed otherwise than in the best estimate, as parts of a sentence. */
function departures(beliefs) {
  const words = [];
  if (beliefs.counts === "published") words.push("limb loss is as published");
  else {
    if (beliefs.incidence !== BEST.incidence) words.push(PATH_WORDS[beliefs.incidence]);
    if (beliefs.vascular_factor !== 1) words.push(`vascular losses from 2034 on are ${times(beliefs.vascular_factor)} times as many as expected`);
    if (beliefs.mortality_factor !== 1) words.push(`the risk of death after limb loss is ${times(beliefs.mortality_factor)} times the estimate`);
    if (beliefs.first_share !== null) words.push(`${percent(beliefs.first_share)} of vascular amputations are a person’s first`);
  }
  if (beliefs.loss === "major") words.push("only major losses count as limb loss");
  if (beliefs.kind !== BEST.kind && !(beliefs.pain_major !== null && (beliefs.pain_minor !== "own_share" || beliefs.loss === "major"))) words.push(KIND_CHOSEN[beliefs.kind]);
  if (beliefs.pain_major !== null) words.push(`${percent(beliefs.pain_major)} are in pain after a major loss`);
  else if (beliefs.pool !== BEST.pool) words.push(`the share in pain is that of studies from ${POOL_WORDS[beliefs.pool]}`);
  if (beliefs.loss === "all") {
    if (beliefs.pain_minor === "none") words.push("nobody is in pain after losing only fingers or toes");
    else if (beliefs.pain_minor === "as_after_major") words.push("as many are in pain after losing fingers or toes as after a major loss");
    else if (beliefs.pain_minor !== "own_share") words.push(`${percent(beliefs.pain_minor)} are in pain after losing only fingers or toes`);
  }
  return words;
}

function impliedWords(beliefs, result) {
  const last = YEARS.length - 1;
  const [pain, loss] = [result.in_pain.map((row) => row[last]), result.limb_loss.map((row) => row[last])];
  const span = (values) => `95% interval ${interval(values)}`;
  return `In ${YEARS[last]}, <strong>${millions(pain[0])} million people</strong> (${span(pain)}) would ${KIND_WORDS[beliefs.kind]}, out of <strong>${millions(loss[0])} million</strong> (${interval(loss)}) with ${lossWords(beliefs)}.`;
}

function comparedWords(beliefs, result) {
  const last = YEARS.length - 1;
  const claim = content.claims[content.claims.length - 1];
  const [median, low, high] = result.in_pain.map((row) => row[last]);
  const name = `The claim of ${millions(claim.value).replace(/0$/, "")} million in pain in ${claim.year}`;
  const ratio = claim.value / median;
  const inside = claim.value >= low && claim.value <= high;
  const compared = !Number.isFinite(ratio) ? `${name} is far above.`
    : Math.abs(ratio - 1) < 0.02 ? `${name} is about the same.`
    : `${name} is ${ratio > 10 ? Math.round(ratio) : ratio.toFixed(1)} times that, and lies ${inside ? "inside" : "outside"} the interval.`;
  const taken = departures(beliefs);
  const belief = taken.length ? ` What differs from the best estimate: ${taken.join("; ")}.` : "";
  const proxies = beliefs.loss === "all" && beliefs.pain_minor === "own_share" ? " Pain after the loss of fingers or toes rests on proxies." : "";
  return compared + belief + proxies;
}

/** Of each input: what it is called, a value in words, and what one would have to believe. */
const INPUT_WORDS = {
  vascular_factor: { name: "Vascular losses from 2034 on", value: (x) => `${times(x)} times what is expected`, that: (x) => `vascular losses from 2034 on are ${times(x)} times as many as expected` },
  mortality_factor: { name: "Risk of death after limb loss", value: (x) => `${times(x)} times the estimate`, that: (x) => `the risk of death after limb loss is ${times(x)} times the estimate` },
  first_share: { name: "Share of vascular amputations that are a person’s first", value: percent, that: (x) => `${percent(x)} of vascular amputations are a person’s first` },
  pain_major: { name: "Share in pain after major loss", value: percent, that: (x) => `${percent(x)} are in pain after a major loss` },
  pain_minor: { name: "Share in pain after minor loss", value: percent, that: (x) => `${percent(x)} are in pain after losing only fingers or toes` },
  pain: { name: "Share in pain after any loss", value: percent, that: (x) => `${percent(x)} are in pain after any loss` },
};

/** A factor with two decimals below 2, where they matter, and one above. */
function times(factor) {
  return factor.toFixed(factor < 2 ? 2 : 1);
}

/** The inputs that matter to an outcome under the beliefs chosen. */
function inputsFor(beliefs, outcome) {
  return Object.keys(INPUTS).filter((name) => {
    if (beliefs.counts === "published" && !name.startsWith("pain")) return false;
    if (outcome === "limb_loss" && name.startsWith("pain")) return false;
    return beliefs.loss === "all" || !["pain_minor", "pain"].includes(name);
  });
}

function readTarget() {
  const text = byId("target").value.trim();
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  return value > 0 && value <= 100 ? value * 1e6 : null;
}

function showTarget(beliefs) {
  const target = readTarget();
  const outcome = byId("of").value;
  byId("target-error").textContent = target === null ? `The target is “${byId("target").value.trim()}”; expected millions of people, above 0 and up to 100, such as 3.6.` : "";
  byId("target").setAttribute("aria-invalid", String(target === null));
  byId("would").hidden = target === null;
  byId("needed").hidden = target === null;
  if (target === null) return;
  const names = inputsFor(beliefs, outcome);
  const found = names.map((name) => [name, solve(beliefs, name, target, outcome)]);
  const what = outcome === "in_pain" ? `people ${inPainWords(beliefs)}` : `people with ${lossWords(beliefs)}`;
  const goal = `To reach ${byId("target").value.trim()} million ${what} in ${YEARS[YEARS.length - 1]}`;
  const ways = found.filter(([, { value }]) => value !== null).map(([name, { value }]) => INPUT_WORDS[name].that(value));
  const now = answered.result[outcome][0][YEARS.length - 1];
  byId("would").textContent = millions(now) === millions(target) ? `Your choice already means ${millions(now)} million ${what} in ${YEARS[YEARS.length - 1]}: that is the target.`
    : !names.length ? "The published numbers are fixed, so nothing here changes the number of people with limb loss."
    : ways.length ? `${goal}, with all else as chosen, you would have to believe that ${ways.join("; or that ")}.`
    : `${goal}, changing one thing is not enough.`;
  const everybody = found.find(([name, { value, nearest, moves }]) => name === (beliefs.loss === "all" ? "pain" : "pain_major") && value === null && nearest === 1 && moves);
  if (everybody !== undefined && millions(now) !== millions(target)) byId("would").textContent += ` Even if everybody with ${lossWords(beliefs)} were in pain, there would be ${millions(everybody[1].reached)} million.`;
  byId("needed").hidden = !names.length;
  byId("needed").tBodies[0].innerHTML = found.map(([name, { value, nearest, reached, moves }]) => {
    const words = INPUT_WORDS[name];
    const cell = value !== null ? words.value(value)
      : moves ? `out of reach: ${millions(reached)} million at ${words.value(nearest)}`
      : `makes no difference: ${millions(reached)} million`;
    const use = value === null ? "" : `<button type="button" data-use="${name}" data-value="${value}" aria-label="Use it: ${escapeHtml(words.name)}, ${words.value(value)}">Use it</button>`;
    return `<tr data-input="${name}"><th scope="row">${words.name}</th><td>${cell}</td><td>${use}</td></tr>`;
  }).join("");
}

function showNumbers(beliefs, result) {
  const shown = [2005, 2025, 2030, 2050].filter((year) => YEARS.includes(year));
  // One row per year, so that all of it fits a phone.
  const columns = [["limb_loss", `With ${lossWords(beliefs)}`], ["in_pain", beliefs.kind === "ever" ? "Ever in pain" : "In pain"]];
  byId("numbers").tHead.innerHTML = `<tr><th scope="col">Millions</th>${columns.map(([, words]) => `<th scope="col">${words}</th>`).join("")}</tr>`;
  byId("numbers").tBodies[0].innerHTML = shown.map((year) =>
    `<tr><th scope="row">${year}</th>${columns.map(([name]) => {
      const values = result[name].map((row) => row[YEARS.indexOf(year)]);
      return `<td data-outcome="${name}">${millions(values[0])} (${interval(values)})</td>`;
    }).join("")}</tr>`).join("");
}

// The chart --------------------------------------------------------------------------------------

/**
 * The chart as SVG. `ink` names the colours: variables of the page, or those of a file, which has
 * lines of words above and below as well.
 */
function chart(beliefs, result, width, height, ink, above = [], below = []) {
  const narrow = width < 560;
  const size = narrow ? 13 : 14;
  const [first, last] = [YEARS[0], YEARS[YEARS.length - 1]];
  const points = content.points.filter(({ year }) => year >= first && year <= last);
  const extent = [...result.limb_loss[2], ...result.in_pain[2], ...content.claims.map(({ value }) => value), ...points.map(({ value }) => value)];
  const most = Math.max(...extent) / 1e6;
  const step = [0.5, 1, 2, 5, 10].find((each) => most / each <= 7) ?? 20;
  const top = Math.ceil(most / step) * step;

  const major = beliefs.loss === "major";
  const entries = [
    ["line", ink.limbLoss, `With ${lossWords(beliefs)}`],
    ["line", ink.pain, beliefs.kind === "ever" ? "Ever in pain" : "In pain"],
    ["circle", ink.published, `Published${major ? ", all losses" : ""}: limb loss`],
    ["square", ink.limbLoss, `Estimates since${major ? ", all losses" : ""}: limb loss`],
    ["diamond", ink.claim, "Claimed: in pain"],
  ];
  const mark = (shape, x, y, colour) => ({
    line: `<path d="M${x - 10} ${y}h20" stroke="${colour}" stroke-width="3"/>`,
    circle: `<circle cx="${x}" cy="${y}" r="5" fill="${ink.paper}" stroke="${colour}" stroke-width="2"/>`,
    square: `<rect x="${x - 5}" y="${y - 5}" width="10" height="10" fill="${ink.paper}" stroke="${colour}" stroke-width="2"/>`,
    diamond: `<path d="M${x} ${y - 10}l10 10l-10 10l-10 -10z" fill="none" stroke="${colour}" stroke-width="2.5"/>`,
  })[shape];
  let [legendX, legendY] = [4, size + 4 + above.length * size * 1.6];
  const legend = entries.map(([shape, colour, words]) => {
    const wide = 34 + words.length * size * 0.53 + 14;
    if (legendX > 4 && legendX + wide - 14 > width) [legendX, legendY] = [4, legendY + size * 1.7];
    const drawn = `${mark(shape, legendX + 12, legendY - size * 0.35, colour)}<text x="${legendX + 30}" y="${legendY}">${words}</text>`;
    legendX += wide;
    return drawn;
  }).join("");

  const box = { left: 34, right: width - 47, top: legendY + size * 2.4, bottom: height - size * (2.1 + below.length * 1.5) };
  const x = (year) => box.left + ((year - first) / (last - first)) * (box.right - box.left - 6) + 6;
  const y = (people) => box.bottom - (people / 1e6 / top) * (box.bottom - box.top);
  const xy = (year, people) => `${x(year).toFixed(1)} ${y(people).toFixed(1)}`;
  const grid = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step).map((value) =>
    `<path d="M${box.left} ${y(value * 1e6).toFixed(1)}H${box.right}" stroke="${ink.line}"/><text x="${box.left - 7}" y="${(y(value * 1e6) + size * 0.35).toFixed(1)}" text-anchor="end">${value}</text>`).join("");
  const ticks = [2005, 2015, 2025, 2035, 2050].map((year) =>
    `<path d="M${x(year).toFixed(1)} ${box.bottom}v5" stroke="${ink.quiet}"/><text x="${x(year).toFixed(1)}" y="${box.bottom + size * 1.5}" text-anchor="middle">${year}</text>`).join("");
  const series = (name, colour) => {
    const [middle, low, high] = result[name];
    const there = YEARS.map((year, i) => xy(year, high[i])).join("L");
    const back = YEARS.map((year, i) => xy(year, low[i])).reverse().join("L");
    const line = YEARS.map((year, i) => xy(year, middle[i])).join("L");
    return `<path class="band" data-series="${name}" d="M${there}L${back}Z" fill="${colour}" fill-opacity="0.22"/><path class="median" data-series="${name}" d="M${line}" fill="none" stroke="${colour}" stroke-width="3"/>`;
  };
  // Numbers at the right end, moved apart where they would touch.
  const ends = [["limb_loss", y(result.limb_loss[0][YEARS.length - 1])], ["in_pain", y(result.in_pain[0][YEARS.length - 1])]];
  if (ends[1][1] - ends[0][1] < size * 1.2) {
    const middle = (ends[0][1] + ends[1][1]) / 2;
    ends[0][1] = middle - size * 0.6;
    ends[1][1] = middle + size * 0.6;
  }
  const endWords = ends.map(([name, at]) => `<text x="${box.right + 13}" y="${(at + size * 0.35).toFixed(1)}" font-weight="650">${millions(result[name][0][YEARS.length - 1])}</text>`).join("");
  const clipped = (people) => Math.min(Math.max(people, 0), top * 1e6);
  const marks = points.map(({ year, value, low, high, label, kind }) => {
    const published = label.startsWith("Ziegler-Graham");
    const colour = published ? ink.published : ink.limbLoss;
    return `<g><title>${escapeHtml(label)}: ${millions(value)} million with limb loss (${millions(low)} to ${millions(high)}), ${kind === "observation" ? "counted" : "output of a model"}</title><path d="M${xy(year, clipped(low))}L${xy(year, clipped(high))}" stroke="${colour}" stroke-width="1.5"/>${mark(published ? "circle" : "square", x(year), y(value), colour)}</g>`;
  }).join("");
  const claims = content.claims.map(({ year, value }) =>
    `<g><title>Claimed: ${millions(value)} million in pain in ${year}</title>${mark("diamond", x(year), y(value), ink.claim)}</g>`).join("");
  const lines = [
    ...above.map((text, i) => `<text x="4" y="${size * (1.3 + 1.5 * i)}" font-weight="${i === 0 ? 650 : 400}">${escapeHtml(text)}</text>`),
    ...below.map((text, i) => `<text x="4" y="${height - size * (0.6 + 1.5 * (below.length - 1 - i))}" fill="${ink.quiet}">${escapeHtml(text)}</text>`),
  ].join("");
  const words = `${first} to ${last}: people with ${lossWords(beliefs)} from ${millions(result.limb_loss[0][0])} to ${millions(result.limb_loss[0][YEARS.length - 1])} million, ${beliefs.kind === "ever" ? "ever in pain" : "in pain"} from ${millions(result.in_pain[0][0])} to ${millions(result.in_pain[0][YEARS.length - 1])} million. The numbers are in the table below.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${words}" font-family="system-ui, Segoe UI, Roboto, Arial, sans-serif" font-size="${size}" fill="${ink.ink}"><rect width="100%" height="100%" fill="${ink.paper}"/>${legend}<text x="4" y="${box.top - size * 0.9}" fill="${ink.quiet}">Millions of people</text>${grid}${ticks}${series("limb_loss", ink.limbLoss)}${series("in_pain", ink.pain)}${claims}${marks}${endWords}${lines}</svg>`;
}

const PAGE_INK = { ink: "var(--ink)", quiet: "var(--quiet)", line: "var(--line)", paper: "var(--paper)", limbLoss: "var(--limb-loss)", pain: "var(--pain)", claim: "var(--claim)", published: "var(--published)" };
const FILE_INK = { ink: "#1c2430", quiet: "#4d5a6a", line: "#d6dce4", paper: "#ffffff", limbLoss: content.colours.limb_loss, pain: content.colours.pain, claim: content.colours.claim, published: content.colours.published };

function drawChart() {
  const width = Math.max(280, byId("chart").clientWidth);
  byId("chart").innerHTML = chart(answered.beliefs, answered.result, width, width < 560 ? 340 : 400, PAGE_INK);
}

// Following the form -----------------------------------------------------------------------------

let later = 0;
function update() {
  const start = window.performance.now();
  const beliefs = readForm();
  showValues(beliefs);
  const result = answer(beliefs);
  answered = { beliefs, result };
  const preset = Object.entries(content.presets).find(([, { beliefs: theirs }]) => Object.keys(theirs).every((name) => theirs[name] === beliefs[name]));
  for (const button of byId("presets").children) button.setAttribute("aria-pressed", String(button.dataset.preset === preset?.[0]));
  byId("preset-words").textContent = preset ? preset[1].words : "Your own choice.";
  byId("implied").innerHTML = impliedWords(beliefs, result);
  byId("compared").textContent = comparedWords(beliefs, result);
  byId("bar").textContent = `${YEARS[YEARS.length - 1]}: ${millions(result.in_pain[0][YEARS.length - 1])} million ${beliefs.kind === "ever" ? "ever in pain" : "in pain"}, of ${millions(result.limb_loss[0][YEARS.length - 1])} with ${lossWords(beliefs)}`;
  showNumbers(beliefs, result);
  drawChart();
  byId("link-errors").hidden = !linkFaults.length;
  byId("link-errors").textContent = linkFaults.join(" ");
  byId("done").textContent = "";
  explore.took = window.performance.now() - start;
  window.clearTimeout(later);
  // What it would take needs hundreds of answers; it waits until the hand rests.
  later = window.setTimeout(() => {
    showTarget(readForm());
    byId("status").textContent = byId("implied").textContent;
    window.history.replaceState(null, "", `#${addressOf()}`);
  }, 250);
}

// Link, files ------------------------------------------------------------------------------------

/** Only what differs from the best estimate, so that links are short. */
function addressOf() {
  const { beliefs } = answered;
  const parts = Object.keys(BEST).filter((name) => beliefs[name] !== BEST[name]).map((name) => `${name}=${encodeURIComponent(beliefs[name])}`);
  const target = byId("target").value.trim();
  if (target !== "3.6") parts.push(`target=${encodeURIComponent(target)}`);
  if (byId("of").value !== "in_pain") parts.push(`of=${byId("of").value}`);
  return parts.join("&");
}

/** A value of the address, or undefined where it is not one that is known. */
function valueFrom(name, text) {
  const words = content.choices[name] ?? [];
  if (words.includes(text)) return text;
  const range = RANGES[name];
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  return range !== undefined && value >= range[0] && value <= range[1] ? Math.round(100 * value) / 100 : undefined;
}

function restore() {
  const beliefs = { ...BEST };
  let [target, of] = ["3.6", "in_pain"];
  linkFaults = [];
  for (const part of window.location.hash.slice(1).split("&").filter(Boolean)) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    let text = at < 0 ? "" : part.slice(at + 1);
    try {
      text = decodeURIComponent(text);
    } catch {
      // Said below as it came.
    }
    if (name === "target") target = text;
    else if (name === "of" && ["in_pain", "limb_loss"].includes(text)) of = text;
    else if (!Object.hasOwn(BEST, name) && name !== "of") linkFaults.push(`The link has an unknown choice “${name}”, which was left out.`);
    else {
      const value = valueFrom(name, text);
      if (value !== undefined) beliefs[name] = value;
      else linkFaults.push(`The link has ${name.replace(/_/g, " ")} “${text}”; expected ${[...(content.choices[name] ?? []), ...(RANGES[name] ? [`a number from ${RANGES[name].join(" to ")}`] : [])].join(", ") || "in_pain, limb_loss"}. The usual was taken.`);
    }
  }
  byId("target").value = target;
  byId("of").value = of;
  writeForm(beliefs);
  update();
}

/** Words cut into lines of at most so many letters. */
function wrapped(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const at = lines.length - 1;
    if (lines[at] !== "" && lines[at].length + word.length >= most) lines.push(word);
    else lines[at] = `${lines[at]} ${word}`.trim();
  }
  return lines;
}

/** The chart as a file of its own, with what it shows and what was believed. */
function pictureText() {
  const { beliefs, result } = answered;
  const above = [`People with ${lossWords(beliefs)} and people ${inPainWords(beliefs)} in the United States`];
  const below = wrapped(`Lines: medians; bands: 95% intervals. ${byId("preset-words").textContent} ${byId("implied").textContent} ${byId("compared").textContent} ${document.querySelector("footer p").textContent}`, 125);
  return chart(beliefs, result, 960, 540 + 21 * below.length, FILE_INK, above, below);
}

/** The answer by year and the choices as rows of cells. */
function tableRows() {
  const { beliefs, result } = answered;
  const rows = [["outcome", "year", "median", "low_95", "high_95"]];
  for (const [name, values] of Object.entries(result)) YEARS.forEach((year, i) => rows.push([name, year, ...values.map((row) => row[i])]));
  rows.push([], ["choice", "value"], ...Object.entries(beliefs).map(([name, value]) => [name, value ?? NOT_SET[name]]));
  rows.push(["link", `#${addressOf()}`], ["made_from", document.querySelector("footer p").textContent]);
  rows.push(["what_it_is", "People; 95% intervals of what is not known. Limb loss is not phantom limb pain. Not medical advice, and not a forecast."]);
  return rows;
}

// The start --------------------------------------------------------------------------------------

function start() {
  byId("presets").innerHTML = Object.entries(content.presets)
    .map(([name, { title }]) => `<button type="button" data-preset="${name}" aria-pressed="false">${title}</button>`).join("");
  byId("presets").addEventListener("click", (event) => {
    const name = event.target.dataset.preset;
    if (name === undefined) return;
    linkFaults = [];
    writeForm(content.presets[name].beliefs);
    update();
  });
  byId("n-draws").textContent = N.toLocaleString("en-US");
  for (const name of SLIDERS) {
    const [low, high] = RANGES[name];
    Object.assign(byId(name), { min: String(Math.round(100 * low)), max: String(Math.round(100 * high)), step: "1" });
    byId(name).addEventListener("input", () => {
      const choice = byId(`${name}-choice`);
      if (choice !== null) choice.value = "set";
    });
  }
  byId("beliefs").addEventListener("input", update);
  byId("beliefs").addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["target", "of"]) byId(name).addEventListener("input", update);
  byId("needed").addEventListener("click", (event) => {
    const { use, value } = event.target.dataset;
    if (use === undefined) return;
    writeForm(withInput(answered.beliefs, use, Number(value)));
    update();
    byId("answer").focus();
  });
  byId("point-table").tBodies[0].innerHTML = [
    ...content.points.map(({ label, year, value, low, high, kind }) => [label, year, `${millions(value)} (${millions(low)} to ${millions(high)})`, `people with limb loss, ${kind === "observation" ? "counted" : "output of a model"}`]),
    ...content.claims.map(({ year, value }) => ["Clinic pages", year, millions(value), "claimed as people in pain; the source counts limb loss"]),
  ].map(([name, ...cells]) => `<tr><th scope="row">${escapeHtml(name)}</th>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`).join("");
  byId("copy").addEventListener("click", copyLink);
  byId("csv").addEventListener("click", () => save(new Blob([csvText(tableRows())], { type: "text/csv;charset=utf-8" }), "people_in_pain.csv"));
  byId("picture").addEventListener("click", () => save(new Blob([pictureText()], { type: "image/svg+xml" }), "people_in_pain.svg"));
  byId("print").addEventListener("click", () => window.print());
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    // The address holds the choices, so links within the page only move the eye.
    if (link?.dataset.to !== undefined) {
      event.preventDefault();
      byId(link.dataset.to).focus();
    } else if (link?.dataset.open !== undefined) {
      event.preventDefault();
      byId(link.dataset.open).open = true;
      byId(link.dataset.open).querySelector("summary").focus();
    }
  });
  window.addEventListener("hashchange", restore);
  window.addEventListener("resize", drawChart);
  restore();
  prepare();
}

const explore = { answer, solve, millions, took: 0 };
window.explore = explore;
start();
