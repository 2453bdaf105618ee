// The page's tables, from the text that codes.py writes.

/** Whole numbers and others from base64, as codes.py writes them. */
const decode = {
  bytes(text) {
    const raw = atob(text);
    const found = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
    return found;
  },
  whole(text) {
    const bytes = decode.bytes(text);
    const found = [];
    let value = 0;
    let place = 1;
    for (const byte of bytes) {
      value += (byte & 127) * place;
      place *= 128;
      if (byte < 128) {
        found.push(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
        value = 0;
        place = 1;
      }
    }
    return Float64Array.from(found);
  },
  double(text) {
    return new Float64Array(decode.bytes(text).buffer);
  },
  single(text) {
    return Float64Array.from(new Float32Array(decode.bytes(text).buffer));
  },
};

/** The page's tables as arrays. */
function readGrid(content) {
  const { places, nation, clinic, waits } = content;
  const n = places.fips.length;
  const cells = nation.n_cells;
  const people = decode.whole(places.people);
  const total = new Float64Array(cells);
  for (let i = 0; i < people.length; i++) total[i % cells] += people[i];
  const share = people.map((value, i) => value / total[i % cells]);
  const core = decode.whole(nation.core).map((value) => value * nation.step);
  const each = (table) =>
    Object.fromEntries(Object.entries(table).map(([key, text]) => [key, decode.double(text)]));
  const grid = {
    n, cells, people, share, core,
    shape: nation.shape,
    bases: nation.bases.map(decode.single),
    size: decode.double(nation.size),
    residents: decode.double(nation.residents),
    columns: nation.columns.map(decode.double),
    lat: decode.double(places.lat),
    lon: decode.double(places.lon),
    logRatio: decode.double(places.log_ratio),
    agesEstimated: decode.whole(places.ages_estimated),
    diabetesOfState: decode.whole(places.diabetes_of_state),
    at: new Map(places.fips.map((code, i) => [code, i])),
    visits: decode.whole(clinic.visits),
    nurses: decode.whole(clinic.nurses),
    known: decode.double(clinic.known),
    infusionsEach: each(clinic.infusions_each),
    visitsEach: each(clinic.visits_each),
    waitTables: decode.double(waits.tables),
    luckTables: decode.double(waits.luck),
    content,
  };
  grid.points = Float64Array.from({ length: nation.n_nodes }, (_, j) => chebyshevPoint(j, nation.n_nodes));
  const [low, high] = nation.elasticity;
  grid.nodes = grid.points.map((x) => low + ((high - low) * (x + 1)) / 2);
  const everywhere = Array.from({ length: n }, (_, i) => i);
  grid.everywhere = weighted(grid, everywhere);
  grid.weights = new Map();
  return grid;
}

function chebyshevPoint(j, n) {
  // In the order of numpy.polynomial.chebyshev.chebpts1: from the least.
  return Math.sin((Math.PI / (2 * n)) * (2 * j - n + 1));
}

/** People of an area weighted by (diabetes)^elasticity, at the nodes: n_nodes x n_cells. */
function weighted(grid, area) {
  const { cells, nodes, share, logRatio } = grid;
  const found = new Float64Array(nodes.length * cells);
  for (const i of area) {
    for (let j = 0; j < nodes.length; j++) {
      const weight = Math.exp(nodes[j] * logRatio[i]);
      for (let k = 0; k < cells; k++) found[j * cells + k] += weight * share[i * cells + k];
    }
  }
  return found;
}

/** Weights of the nodes in each draw of a scenario: n_draws x n_nodes. */
function nodeWeights(grid, scenario) {
  const column = scenario.columns.diabetes_elasticity;
  if (grid.weights.has(column)) return grid.weights.get(column);
  const [low, high] = grid.content.nation.elasticity;
  const n = grid.points.length;
  const at = grid.columns[column];
  const found = new Float64Array(at.length * n);
  const degrees = new Float64Array(n);
  const ofPoints = Array.from(grid.points, (x) => polynomials(x, new Float64Array(n)));
  for (let d = 0; d < at.length; d++) {
    polynomials((2 * (at[d] - low)) / (high - low) - 1, degrees);
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let m = 0; m < n; m++) sum += degrees[m] * ofPoints[j][m];
      found[d * n + j] = (2 * sum - 1) / n;
    }
  }
  grid.weights.set(column, found);
  return found;
}

function polynomials(x, found) {
  found[0] = 1;
  if (found.length > 1) found[1] = x;
  for (let m = 2; m < found.length; m++) found[m] = 2 * x * found[m - 1] - found[m - 2];
  return found;
}
