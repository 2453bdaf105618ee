// What a manager decides by: the rows and sentences of plcore.planner.decisions.

/** Load, chairs, waits and the list by draw, as the rows of the answer. */
function decisionRows(grid, settings, people, { weeks, weekly, byYear }, add) {
  const { clinic, nation } = grid.content;
  const course = `${settings.infusions} ${settings.returns}`;
  const [infusions, visits] = [grid.infusionsEach[course], grid.visitsEach[course]];
  const certain = (value) => [value, value, value];
  const own = ownRates(settings, nation.n_draws, clinic.weeks_a_year);
  if (own !== null) {
    byYear.forEach((_, i) => (byYear[i] = own.map((rate) => rate * weeks[i])));
    weekly.forEach((_, i) => (weekly[i] = own));
  }
  byYear.forEach((newly, i) => add(`patients_${i + 1}`, "people", quantiles(newly)));
  const all = Float64Array.from(byYear[0], (_, d) => byYear.reduce((sum, newly) => sum + newly[d], 0));
  add("patients_all", "people", quantiles(all));
  byYear.forEach((newly, i) => add(`infusions_${i + 1}`, "infusions", quantiles(newly.map((value, d) => value * infusions[d]))));

  const medians = byYear.map((newly, i) => quantiles(newly.map((value) => value / weeks[i]), [0.5])[0]);
  const busiest = medians.indexOf(Math.max(...medians));
  const rate = byYear[busiest].map((value) => value / weeks[busiest]);
  const halfHour = Math.round(2 * settings.hours) - 1;
  const heldBy = (chairs) => grid.visits[(chairs - clinic.chairs[0]) * clinic.n_half_hours + halfHour];
  const nursesFor = (chairs) => grid.nurses[(chairs - clinic.chairs[0]) * clinic.n_half_hours + halfHour];
  const openOn = clinic.open_share[settings.year - nation.openings[0]];
  const openAWeek = 7 * openOn[openOn.length - 1];
  const chairs = chairsOf(grid, settings);
  const aDay = settings.own_visits_a_day ?? heldBy(chairs);
  const held = aDay * openAWeek;
  const load = rate.map((value, d) => (value * visits[d]) / held);
  const wanted = rate.map((value, d) => (value * visits[d]) / clinic.most_load);
  const chairsFor = (asked) => clinic.chairs.find((n) => asked <= heldBy(n) * openAWeek * (1 + 1e-9)) ?? Infinity;
  const needed = wanted.map(chairsFor);
  const half = wanted.map((value) => chairsFor(value / 2));
  const toPlan = enoughOf(needed, clinic.probability);
  const daysFor = (visitsAWeek) =>
    Number.isFinite(toPlan[0])
      ? clinic.days_a_week.find((n, i) => visitsAWeek <= heldBy(toPlan[0]) * 7 * openOn[i] * (1 + 1e-9)) ?? openOn.length
      : openOn.length;
  add("busiest_year", "year", certain(settings.year + busiest));
  add("visits_a_week", "visits", quantiles(rate.map((value, d) => value * visits[d])));
  add("held_a_week", "visits", certain(held));
  add("visits_a_day", "visits a day", certain(aDay));
  add("nurses", "nurses", certain(nursesFor(chairs)));
  add("load", "share", quantiles(load));
  const served = visits.map((value) => held / value);
  const listed = settings.waiting_list ?? 0;
  const [from, to] = [busiest, busiest + 1].map((year) => Math.round((365.25 * year) / 7));
  queueRows(grid, rate, served, delayByList(weekly, served, listed, clinic.head_start[course], from, to), add);
  add("chairs_needed", "chairs", ranked(needed));
  add("chairs_to_plan", "chairs", toPlan);
  add("nurses_to_plan", "nurses", toPlan.map((n) => (Number.isFinite(n) ? nursesFor(n) : Infinity)));
  add("days_to_plan", "days a week", enoughOf(wanted, clinic.probability).map(daysFor));
  add("half_load", "share", quantiles(load.map((value) => value / 2)));
  add("half_chairs_needed", "chairs", ranked(half));
  add("half_chairs_to_plan", "chairs", enoughOf(half, clinic.probability));
  const cleared = weeksUntilClear(weekly, served, listed);
  add("clear_week", "weeks", ranked(cleared));
  add("no_list", "share", certain(cleared.filter((week) => week === 0).length / cleared.length));
  const factors = own === null ? factorsOf(people, rate, visits, clinic.weeks_a_year) : { referrals: rate, visits };
  const [found, ...others] = worthOfKnowing(factors, wanted, clinic.probability, chairsFor, grid.content.finding);
  if (found) {
    add(`find_${found.factor}`, "share", [found.worth, found.low, found.high]);
    add("find_changes", "share", certain(found.changes));
  }
  for (const { factor, worth, low, high, tossUp } of others) {
    if (tossUp) add(`toss_up_${factor}`, "share", [worth, low, high]);
  }
}

/** What is enough with a probability, and the least and most that other samples may well say. */
function enoughOf(values, probability) {
  const margin = 2 * Math.sqrt((probability * (1 - probability)) / values.length);
  return ranked(values, [probability, Math.max(probability - margin, 0), Math.min(probability + margin, 1)]);
}

/** The chairs of the settings, or as many as hold the visits that were counted. */
function chairsOf(grid, settings) {
  const { clinic } = grid.content;
  const halfHour = Math.round(2 * settings.hours) - 1;
  const holds = (n) => grid.visits[(n - clinic.chairs[0]) * clinic.n_half_hours + halfHour];
  const counted = settings.own_visits_a_day ?? 0;
  if (holds(settings.chairs) >= counted) return settings.chairs;
  return clinic.chairs.find((n) => n > settings.chairs && holds(n) >= counted) ?? Infinity;
}

/** What the rate of referrals a week may be, given those counted in some months; null without. */
function ownRates(settings, nDraws, weeksAYear) {
  const counts = settings.own_referrals ?? null;
  if (counts === null) return null;
  const n = counts.length;
  const total = counts.reduce((a, b) => a + b, 0);
  const mean = total / n;
  const perWeek = (mean * 12) / weeksAYear;
  if (total === 0) return new Float64Array(nDraws);
  const variance = n > 1 ? counts.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1) : mean;
  const shape = (total + 0.5) / Math.max(variance / mean, 1);
  // Any fixed order that is not that of the other draws.
  const order = Array.from({ length: nDraws }, (_, i) => i).sort((a, b) => ((a * 7919) % 10007) - ((b * 7919) % 10007));
  return Float64Array.from(order, (i) => perWeek * (gammaQuantile((i + 0.5) / nDraws, shape) / shape) * ((total + 0.5) / total));
}

/** Quantile of a gamma distribution of scale 1 (Wilson and Hilferty 1931, then Newton's steps). */
function gammaQuantile(p, shape) {
  const z = normalQuantile(p);
  let x = shape * Math.max(1 - 1 / (9 * shape) + z / (3 * Math.sqrt(shape)), 0.05) ** 3;
  for (let i = 0; i < 20; i++) {
    const density = Math.exp((shape - 1) * Math.log(x) - x - logGamma(shape));
    const step = (gammaShare(x, shape) - p) / density;
    x = Math.max(x - step, x / 3);
    if (Math.abs(step) < 1e-9 * x) break;
  }
  return x;
}

/** Regularised lower incomplete gamma function, by its power series. */
function gammaShare(x, shape) {
  let term = 1 / shape;
  let sum = term;
  for (let n = 1; n < 10000 && term > 1e-14 * sum; n++) {
    term *= x / (shape + n);
    sum += term;
  }
  return Math.min(sum * Math.exp(shape * Math.log(x) - x - logGamma(shape)), 1);
}

/** Stirling's series, from 10 up; below that by the recurrence. */
function logGamma(x) {
  let shift = 0;
  while (x < 10) shift += Math.log(x++);
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - shift;
}

/** Quantile of the normal distribution, to 4.5e-4 (Abramowitz and Stegun 1964, 26.2.23). */
function normalQuantile(p) {
  if (p > 0.5) return -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(p));
  return (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
}

/**
 * Days by which the people listed on the first day put off those referred in some weeks, the mean of a
 * draw: whoever is referred waits until all before them are served. As no course is under way yet, the
 * clinic takes on more at first, as if it had been open for some weeks.
 */
function delayByList(weekly, served, listed, headStart, from, to) {
  return Array.from(served, (most, d) => {
    let [waiting, without, delay, come] = [Math.max(listed - headStart * most, 0), 0, 0, 0];
    weekly.slice(0, to).forEach((newly, week) => {
      const before = waiting - without;
      waiting = Math.max(waiting + newly[d] - most, 0);
      without = Math.max(without + newly[d] - most, 0);
      if (week < from) return;
      delay += (newly[d] * (before + waiting - without)) / 2;
      come += newly[d];
    });
    return come > 0 ? (7 * delay) / (most * come) : 0;
  });
}

/** Weeks until the last week with people on the list: 0 for none, infinite where it is there at the end. */
function weeksUntilClear(weekly, served, listed) {
  return Array.from(served, (most, d) => {
    let waiting = listed;
    let last = waiting > 0 ? 1 : 0;
    weekly.forEach((newly, week) => {
      waiting = Math.max(waiting + newly[d] - most, 0);
      if (waiting > 0) last = week + 2;
    });
    return waiting > 0 ? Infinity : last;
  });
}

/** Factors of the visits of the busiest year, by draw: a week for referrals, else a year. */
function factorsOf(people, rate, visits, weeksAYear) {
  const steps = Object.entries(people).slice(1).map(([name, years]) => [name, years[0]]);
  const factors = { limb_loss: steps[0][1] };
  for (let i = 1; i < steps.length; i++) {
    factors[steps[i][0]] = steps[i][1].map((value, d) => value / steps[i - 1][1][d]);
  }
  const come = steps[steps.length - 1][1];
  return { ...factors, coming: rate.map((value, d) => (value * weeksAYear) / come[d]), visits };
}

/** What it is worth to know each factor, the most valuable first. */
function worthOfKnowing(factors, wanted, probability, chairsFor, rules) {
  const { blocks, unsure: errors, seldom } = rules;
  const spread = (values) => Math.max(...values) - Math.min(...values);
  if (Object.values(factors).some((values) => values.some((value) => !(value > 0)))) return [];
  const logs = wanted.map(Math.log);
  if (expectedCost(wanted, probability) === 0 || spread(logs) < 1e-9) return [];
  const varied = Object.entries(factors).map(([factor, values]) => ({ factor, values, x: values.map(Math.log) }));
  const found = varied.filter(({ x }) => spread(x) >= 1e-9);
  if (found.length === 0) return [];
  const takenOff = (asked, kept) => {
    const whole = expectedCost(asked, probability);
    return found.map(({ x }) => 1 - known(asked, x.filter(kept), probability).cost / whole);
  };
  const worth = takenOff(wanted, () => true);
  const best = worth.indexOf(Math.max(...worth));
  // Again without each of some blocks of draws in a row.
  const n = wanted.length;
  const ends = Array.from({ length: blocks + 1 }, (_, b) => b * Math.floor(n / blocks) + Math.min(b, n % blocks));
  const behind = [];
  for (let b = 0; b < blocks; b++) {
    const kept = (_, d) => d < ends[b] || d >= ends[b + 1];
    const asked = wanted.filter(kept);
    if (expectedCost(asked, probability) === 0) continue;
    const again = takenOff(asked, kept);
    behind.push(again.map((value) => again[best] - value));
  }
  const unsure = found.map((_, k) => {
    const values = behind.map((differences) => differences[k]);
    const centre = values.reduce((a, b) => a + b, 0) / values.length;
    return Math.sqrt(((values.length - 1) * values.reduce((sum, v) => sum + (v - centre) ** 2, 0)) / values.length);
  });
  const planned = ranked(wanted.map(chairsFor), [probability])[0];
  const inOrder = found
    .map(({ factor, values, x }, k) => {
      const { size, left } = known(wanted, x, probability);
      const changes = left.filter((value) => chairsFor(value * size) !== planned).length / n;
      const [, low, high] = quantiles(values);
      const tossUp = worth[best] - worth[k] <= (behind.length ? errors * unsure[k] : 0);
      return { factor, low, high, worth: worth[k], changes, tossUp };
    })
    .filter((each) => each.worth >= 0.01)
    .sort((a, b) => b.worth - a.worth);
  // Where none of them would change the chairs, it does not matter which is worth most.
  const nothing = inOrder.length > 0 && inOrder[0].changes < seldom;
  return inOrder.map((each) => ({ ...each, tossUp: each.tossUp && !(nothing && each.changes < seldom) }));
}

/** What a wrong size costs if a factor, of which x are logarithms, is known; the size left, and its multiples. */
function known(asked, x, probability) {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const logs = asked.map(Math.log);
  const [centre, middle] = [mean(x), mean(logs)];
  const away = x.map((value) => value - centre);
  const slope = away.reduce((sum, value, d) => sum + value * (logs[d] - middle), 0) / away.reduce((sum, value) => sum + value ** 2, 0);
  const rest = logs.map((value, d) => Math.exp(value - slope * away[d]));
  const left = away.map((value) => Math.exp(slope * value));
  return { cost: mean(left) * expectedCost(rest, probability), size: ranked(rest, [probability])[0], left };
}

/** Expected cost of the size that is enough with a probability, in idle visits. */
function expectedCost(asked, probability) {
  const size = ranked(asked, [probability])[0];
  const costs = asked.map((value) => (value > size ? ((value - size) * probability) / (1 - probability) : size - value));
  return costs.reduce((a, b) => a + b, 0) / costs.length;
}

// In words -----------------------------------------------------------------------------------------

/** The answers to the six questions, in their order; rows by key, and what else the sentences name. */
function sixSentences(grid, at, words) {
  const { sentences, factors, severities } = grid.content;
  const text = (value, unit) => shown(value, unit, grid);
  const whole = (key) => {
    const { unit, median, low, high } = at[key];
    const [m, l, h] = [median, low, high].map((value) => text(value, unit));
    return l === h && l === m ? m : `${m} (${l} to ${h})`;
  };
  const counted = (n, thing) => `${text(n, "chairs")} ${thing}${n === 1 ? "" : "s"}`;
  const lastYear = String(words.year + words.n_years - 1);
  const common = {
    n_years: String(words.n_years),
    first_year: String(words.year),
    last_year: lastYear,
    year: text(at.busiest_year.median, "year"),
    most_load: text(words.most_load, "share"),
    probability: text(words.probability, "share"),
    most_chairs: String(words.most_chairs),
    own_chairs: counted(words.chairs, "chair"),
  };
  const fill = (name, more = {}) =>
    sentences[name].replace(/\{(\w+)\}/g, (_, key) => more[key] ?? (key in at ? whole(key) : common[key]));
  common.people = ["1", "fewer than 1"].includes(whole("choosing")) ? "person" : "people";
  common.span = words.n_years === 1 ? common.first_year : fill("span");
  const range = (key) => {
    const { low, high } = at[key];
    return low === high ? counted(high, "chair") : `${text(low, "chairs")} to ${counted(high, "chair")}`;
  };
  const tossUp = (...keys) => {
    const key = keys.find((each) => at[each].low !== at[each].high);
    if (key === undefined) return "";
    const { low, high } = at[key];
    const between = high === low + 1 || high === Infinity ? "or" : "to";
    const ends = `${text(low, "chairs")} ${between} ${counted(high, key === "days_to_plan" ? "day" : "chair")}`;
    return fill("toss_up", { ends });
  };
  const when = (weeks) => {
    if (weeks === 0) return "at once";
    if (weeks === Infinity) return `after ${lastYear}`;
    const day = new Date(Date.UTC(words.year, 0, 1 + 7 * (weeks - 1)));
    return `in ${day.toLocaleString("en-US", { month: "long", year: "numeric", timeZone: "UTC" })}`;
  };
  const [plan, half] = [at.chairs_to_plan.median, at.half_chairs_to_plan.median];
  const wait = at.wait_mean.median;
  const list = at.clear_week;
  const [clear, low, high] = [list.median, list.low, list.high].map(when);
  const listed = words.waiting_list === 0 ? "nobody" : words.waiting_list === 1 ? "1 person" : `${text(words.waiting_list, "people")} people`;
  const finding = Object.keys(at).find((key) => key.startsWith("find_") && key !== "find_changes");
  const answers = [
    fill(words.own_referrals ? "come_own" : "come"),
    fill(Number.isFinite(plan) ? "chairs" : "chairs_none", {
      chairs: counted(plan, "chair"),
      nurses: counted(at.nurses_to_plan.median, "nurse"),
      days: counted(at.days_to_plan.median, "day"),
      chairs_range: range("chairs_needed"), toss_up: tossUp("chairs_to_plan", "days_to_plan"),
    }),
    Number.isNaN(wait)
      ? fill("wait_none")
      : wait === Infinity
        ? fill("wait_never")
        : fill("wait", { over: at.wait_mean.high === Infinity ? fill("over") : "" }),
    fill(Number.isFinite(half) ? "half" : "half_none", {
      half_chairs: counted(half, "chair"), half_range: range("half_chairs_needed"), toss_up: tossUp("half_chairs_to_plan"),
    }),
    list.median === 0
      ? fill("clear_none", { late: list.high > 0 ? fill(list.high === Infinity ? "late_not" : "late", { clear_high: high }) : "" })
      : fill(list.median === Infinity ? "clear_not" : "clear", {
          listed, clear, clear_low: low.replace(/^in /, ""), clear_high: high.replace(/^in /, ""),
          early: list.low === Infinity ? fill("never") : fill("early", { clear_low: low }),
        }),
  ];
  if (finding === undefined) answers.push(fill("find_nothing"));
  else {
    const factor = finding.slice("find_".length);
    const unit = { limb_loss: "people", referrals: "referrals", visits: "visits" }[factor] ?? "share";
    const inWords = (name) => factors[name].replace("{severity}", severities[words.severity]);
    const others = Object.keys(at).filter((key) => key.startsWith("toss_up_")).map((key) => inWords(key.slice("toss_up_".length)));
    if (others.length > 2) others.splice(2, others.length, `${others.length - 2} more`);
    answers.push(
      fill(at.find_changes.median < grid.content.finding.seldom ? "find_same" : "find", {
        factor: inWords(factor),
        factor_low: text(at[finding].low, unit),
        factor_high: text(at[finding].high, unit),
        worth: text(at[finding].median, "share"),
        changes: text(at.find_changes.median, "share"),
        toss_up: others.length ? fill("find_toss_up", { others: others.map((each, i) => (i < others.length - 1 ? `, ${each}` : ` and ${each}`)).join("") }) : "",
      }),
    );
  }
  return answers.map((sentence) => sentence[0].toUpperCase() + sentence.slice(1));
}

/** What the sentences name besides the rows. */
function wordsOf(grid, settings) {
  const { clinic, nation } = grid.content;
  return {
    year: settings.year, n_years: nation.n_years, chairs: chairsOf(grid, settings), most_load: clinic.most_load,
    probability: clinic.probability, waiting_list: settings.waiting_list ?? 0, severity: settings.severity,
    own_referrals: (settings.own_referrals ?? null) !== null, most_chairs: clinic.chairs[clinic.chairs.length - 1],
  };
}
