// The map: counties on a canvas, shaded by a number each.

// Yellow to blue in seven steps, lighter to darker also in grey (YlGnBu of ColorBrewer 2.0).
const COLOURS = ["#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84"];

/** Rings of each county as arrays of x, y; and the box around them. */
function readOutlines({ rings, corners, moves }) {
  const [nRings, nCorners, steps] = [rings, corners, moves].map(decode.whole);
  let ring = 0;
  let at = 0;
  return Array.from(nRings, (n) => {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    const found = Array.from({ length: n }, () => {
      const points = new Float64Array(2 * nCorners[ring++]);
      let [x, y] = [0, 0];
      for (let i = 0; i < points.length; i += 2) {
        points[i] = x += steps[at++];
        points[i + 1] = y += steps[at++];
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x);
        box[3] = Math.max(box[3], y);
      }
      return points;
    });
    return { rings: found, box };
  });
}

class CountyMap {
  constructor(canvas, places) {
    this.canvas = canvas;
    this.steps = places.map_steps;
    this.outlines = readOutlines(places);
    this.paths = null;
    this.values = null;
    this.chosen = new Set();
    this.view = this.whole();
  }

  whole() {
    return { x: 0, y: 0, width: this.steps };
  }

  /** The part of the map around some counties. */
  around(counties) {
    const boxes = counties.map((i) => this.outlines[i].box);
    const [x1, y1] = [0, 1].map((k) => Math.min(...boxes.map((box) => box[k])));
    const [x2, y2] = [2, 3].map((k) => Math.max(...boxes.map((box) => box[k])));
    const width = Math.min(this.steps, 2.2 * Math.max(x2 - x1, (y2 - y1) / 0.63, this.steps / 30));
    return { x: (x1 + x2 - width) / 2, y: (y1 + y2 - width * 0.63) / 2, width };
  }

  draw() {
    if (this.values === null) return;
    const { canvas } = this;
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * dense);
    if (width === 0) return;
    canvas.width = width;
    canvas.height = Math.round(width * 0.63);
    this.paths ??= this.outlines.map(({ rings }) => {
      const path = new Path2D();
      for (const ring of rings) {
        path.moveTo(ring[0], ring[1]);
        for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
        path.closePath();
      }
      return path;
    });
    const pen = canvas.getContext("2d");
    const scale = width / this.view.width;
    const paper = getComputedStyle(canvas).getPropertyValue("--paper").trim();
    pen.fillStyle = paper;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(scale, 0, 0, scale, -this.view.x * scale, -this.view.y * scale);
    pen.lineJoin = "round";
    pen.lineWidth = 0.5 / scale;
    pen.strokeStyle = `${paper}b0`;
    this.paths.forEach((path, i) => {
      pen.fillStyle = COLOURS[this.classOf(this.values[i])];
      pen.fill(path, "evenodd");
      pen.stroke(path);
    });
    for (const [colour, size] of [[paper, 4.5], ["#d6004a", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = (size * dense) / scale;
      for (const i of this.chosen) pen.stroke(this.paths[i]);
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
  }

  /** Shade by numbers, in seven classes of about as many counties each. */
  shade(values) {
    const sorted = Float64Array.from(values).sort();
    this.values = values;
    const limits = COLOURS.slice(1).map((_, c) =>
      Number(sorted[Math.floor(((c + 1) * sorted.length) / COLOURS.length)].toPrecision(2)),
    );
    this.limits = limits;
  }

  classOf(value) {
    let found = 0;
    while (found < this.limits.length && value >= this.limits[found]) found++;
    return found;
  }

  /** The county at a point of the window; undefined where there is none. */
  at(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.view.width / frame.width;
    const x = this.view.x + (event.clientX - frame.left) * scale;
    const y = this.view.y + (event.clientY - frame.top) * scale;
    const found = this.outlines.findIndex(
      ({ rings, box }) =>
        x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3] &&
        rings.filter((ring) => isInside(x, y, ring)).length % 2 === 1,
    );
    return found < 0 ? undefined : found;
  }
}

function isInside(x, y, ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const crosses = ring[i + 1] > y !== ring[j + 1] > y;
    if (crosses && x < ((ring[j] - ring[i]) * (y - ring[i + 1])) / (ring[j + 1] - ring[i + 1]) + ring[i]) {
      inside = !inside;
    }
  }
  return inside;
}
