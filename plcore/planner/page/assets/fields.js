// The page: fields in, rows out. Nothing is shown while a field is wrong.

const content = JSON.parse(document.getElementById("content").textContent);
const grid = readGrid(content);
const { places, nation, clinic } = content;
const map = new CountyMap(byId("map"), places);
const search = places.names.map((name) => ` ${plain(`${name} ${places.states[name.slice(-2)]}`)}`);
const residents = residentsByCounty(0);

/** Fields by name: the usual value, and what is right. Others are as the names say. */
const USUAL = {
  radius_km: "100", year: "2027", scenario: "baseline", severity: "moderate_severe",
  accepting_percent: "", served_percent: "", distance_km: "", infusions: "10", returns: "boosters", hours: "8", chairs: "2",
  own_referrals: "", waiting_list: "", own_visits_a_day: "", own_limb_loss: "", own_plp: "",
};
const CHOICES = {
  scenario: nation.scenarios.map(({ name, title }) => [name, title]),
  severity: Object.entries(content.severities).map(([name, words]) => [name, name === "any" ? "any pain" : words]),
  infusions: Object.entries(clinic.courses).map(([n, weeks]) => [n, `${n} infusions in ${weeks} week${weeks === 1 ? "" : "s"}`]),
  returns: clinic.returns.map((name) => [name, name === "boosters" ? "up to three single boosters" : "no more treatment"]),
};
const [firstYear, lastYear] = [nation.openings[0], nation.openings[nation.openings.length - 1]];
const mostChairs = clinic.chairs[clinic.chairs.length - 1];

let chosen = ["06037"];
/** The point around which the area lies, if it is no county: { lat, lon, name, as: "zip" or "city", text }. */
let centre = null;
let countyFault = "";
let linkFaults = [];
let chipsShown = "";
let options = [];
let active = -1;
let answered = null;
let shaded = "";

function plain(text) {
  return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f.,']/g, "").trim();
}

// Reading the fields -------------------------------------------------------------------------------

/** The number in a field, or null; faults are noted under the field's name. */
function numberIn(name, faults, { low, high, what, whole = false, optional = false }) {
  const text = byId(name).value.trim();
  if (text === "" && optional) return null;
  const value = /^[-\u2212]?\d+(\.\d+)?$/.test(text) ? Number(text.replace("\u2212", "-")) : NaN;
  const right = value >= low && value <= high && (!whole || Number.isInteger(value));
  if (!right) faults[name] = `${what} is ${text === "" ? "empty" : `“${text}”`}; expected ${whole ? "a whole number" : "a number"} from ${low} to ${high}.`;
  return right ? value : null;
}

/** Referrals counted, a number for each month, or null. */
function referralsIn(name, faults) {
  const text = byId(name).value.trim();
  if (text === "") return null;
  const counts = text.split(/[\s,;]+/).filter(Boolean);
  if (counts.every((count) => /^\d{1,5}$/.test(count) && Number(count) <= 10000)) return counts.map(Number);
  faults[name] = `Your referrals are “${text}”; expected a whole number for each month, such as 6, 4, 7.`;
  return null;
}

function choiceIn(name, faults, what) {
  const field = byId(name);
  if (field.value === "") {
    faults[name] = `${what} is “${field.dataset.unknown ?? ""}”, which is not known; choose one of the list.`;
  }
  return field.value;
}

/** The settings, and what is wrong with them by field. */
function readFields() {
  const faults = {};
  const several = document.querySelector("input[name=kind]:checked").value === "several";
  const percent = { low: 0, high: 100, optional: true };
  const radius = several ? null : numberIn("radius_km", faults, { low: 0, high: 5000, what: "The radius", optional: true });
  const count = { low: 0, whole: true, optional: true };
  const settings = {
    counties: [...chosen].sort(),
    point: centre === null ? null : { lat: centre.lat, lon: centre.lon },
    radius_km: radius === 0 ? null : radius,
    year: numberIn("year", faults, { low: firstYear, high: lastYear, what: "The year", whole: true }),
    scenario: choiceIn("scenario", faults, "The scenario"),
    severity: choiceIn("severity", faults, "The pain that counts"),
    accepting_percent: numberIn("accepting_percent", faults, { ...percent, what: "The share who would have a course" }),
    served_percent: numberIn("served_percent", faults, { ...percent, what: "The share served" }),
    distance_km: numberIn("distance_km", faults, { low: 1, high: 5000, what: "The distance", optional: true }),
    infusions: Number(choiceIn("infusions", faults, "The course")),
    returns: choiceIn("returns", faults, "What follows"),
    hours: numberIn("hours", faults, { low: 0.5, high: clinic.n_half_hours / 2, what: "The number of hours" }),
    chairs: numberIn("chairs", faults, { low: clinic.chairs[0], high: mostChairs, what: "The number of chairs", whole: true }),
    own_referrals: referralsIn("own_referrals", faults),
    waiting_list: numberIn("waiting_list", faults, { ...count, high: 100000, what: "The number of people waiting" }) ?? 0,
    own_visits_a_day: numberIn("own_visits_a_day", faults, { ...count, low: 1, high: 10000, what: "The number of visits a day" }),
    own_limb_loss: numberIn("own_limb_loss", faults, { low: 1, high: 1e9, what: "The number of people with limb loss", optional: true }),
    own_plp: numberIn("own_plp", faults, { low: 0, high: 1e9, what: "The number of people with phantom limb pain", optional: true }),
  };
  if (settings.hours !== null && !Number.isInteger(2 * settings.hours)) {
    faults.hours = `The number of hours is ${settings.hours}; expected half hours, such as 7.5.`;
  } else if (settings.hours !== null && 60 * settings.hours < clinic.visit_minutes) {
    faults.hours = `${settings.hours} ${settings.hours === 1 ? "hour holds" : "hours hold"} no visit of ${clinic.visit_minutes} minutes; expected ${Math.ceil(clinic.visit_minutes / 30) / 2} hours or more.`;
  }
  if (settings.own_visits_a_day !== null && !faults.hours && !faults.chairs && !Number.isFinite(chairsOf(grid, settings))) {
    faults.own_visits_a_day = `The number of visits a day is ${settings.own_visits_a_day}; expected no more than ${mostChairs} chairs hold in ${settings.hours} hours.`;
  }
  if (settings.own_plp !== null && settings.own_limb_loss !== null && settings.own_plp > settings.own_limb_loss) {
    faults.own_plp = `The number of people with phantom limb pain is ${settings.own_plp}; expected at most the ${settings.own_limb_loss} with limb loss.`;
  }
  if (centre !== null && settings.radius_km === null && !faults.radius_km) faults.radius_km = `The radius is empty; expected one around ${centre.name}.`;
  if (countyFault !== "") faults.county = countyFault;
  else if (centre !== null) {
    if (!faults.radius_km && !countiesNear(grid, settings).length) faults.radius_km = `No county has its population centre within ${settings.radius_km} km of ${centre.name}; expected a longer radius.`;
  } else if (!chosen.length) faults.county = "No county is chosen; expected one or more.";
  return { settings, faults };
}
